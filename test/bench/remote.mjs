import fs from "node:fs";
import { fileURLToPath } from "node:url";
import { project, VERBS } from "./growth.mjs";
import { compared, inTurn, ratio, runProcess } from "./measure.mjs";
import { server } from "./server.mjs";

const command = fileURLToPath(new URL("../../bin/agent-relay.cjs", import.meta.url));
const ROUNDS = 11;

/** Whole commands that ask a server, with many sessions registered there and with two; listings beside the same of the files. */
async function grown(dir, sessions) {
  const [small, big] = ["small", "big"].map((name) => fs.mkdtempSync(`${dir}/${name}-`));
  await project(small);
  await project(big, { sessions });
  const servers = new Map();
  try {
    for (const folder of [small, big]) servers.set(folder, await server(folder));
    const remote = (verb, folder) =>
      runProcess([command, ...verb, "--server", `http://127.0.0.1:${servers.get(folder).port}`], folder);
    const lines = [];
    const line = async (name, a, b, budget) => {
      for (const first of [a, b]) first(); // the first asks more of the server
      lines.push({ name, ...compared(ratio(await inTurn(ROUNDS, a, b)), budget) });
    };
    for (const [name, verb] of Object.entries(VERBS))
      await line(
        `${name}, remote, ${sessions} sessions`,
        () => remote(verb, big),
        () => remote(verb, small),
        1.5,
      );
    for (const name of ["agents", "status"])
      await line(
        `${name}, ${sessions} sessions, remote against local`,
        () => remote([name, "--session", "a"], big),
        () => runProcess([command, name, "--session", "a"], big),
        2,
      );
    return lines;
  } finally {
    for (const { child } of servers.values()) child.kill("SIGKILL");
  }
}

export const remoteCases = [{ name: "remote verbs with 2000 sessions", run: (dir) => grown(dir, 2000) }];
