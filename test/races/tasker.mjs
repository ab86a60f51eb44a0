// One agent that works on a board, in a process of its own.
import fs from "node:fs";
import { Relay } from "../../dist/index.js";
import { say, serve } from "./serve.mjs";

const { dir, session, ownPid } = JSON.parse(process.argv[2]);
const relay = new Relay(dir, {
  ...{ session, agent: "claude", durability: "process" },
  ...(ownPid ? { pid: process.pid } : {}),
});

/** What it did itself, each on a line of its own: `began` and `done`, and the task's title. */
const note = (log, what, title) => fs.appendFileSync(log, `${what} ${title}\n`);

await serve({
  register: () => relay.agents.register(),
  edit: ({ task, edit }) => relay.tasks.edit(task, edit),

  /** Takes what is ready and does it, until all tasks are over. Says how many it did. */
  async work({ log }) {
    let count = 0;
    for (;;) {
      const task = await relay.tasks.next();
      if (task) {
        say("working");
        note(log, "began", task.title);
        await new Promise((resolve) => setTimeout(resolve, 2));
        await relay.tasks.done(task.id);
        note(log, "done", task.title);
        count++;
      } else {
        const { tasks } = await relay.tasks.list({ limit: 1 });
        if (tasks.length === 0) return count;
        await new Promise((resolve) => setTimeout(resolve, 20)); // others work on what the rest waits for
      }
    }
  },
});
