import * as z from "zod";
import { formatLeft } from "../duration.ts";
import { shortId } from "../id.ts";
import { claimLine, claimWords, TENTATIVE } from "../render/claims.ts";
import { taskLine } from "../render/tasks.ts";
import type { Task } from "../tasks/task.ts";
import { clean, cleanLine } from "../text.ts";
import { type Tool, type ToolAnswer, type ToolCall, tool, withProgress } from "./tool.ts";
import { frameWhatFits } from "./truncate.ts";

const paths = z.array(z.string()).describe("files, folders or globs, relative to your folder");

const claim = tool({
  name: "claim",
  title: "Claim files",
  about:
    "Reserve files before you edit them, all or none, so that nobody else edits them meanwhile. What you hold already is renewed. Release it when you are done.",
  hints: { repeats: true },
  input: z.strictObject({
    paths,
    reason: z.string().optional(),
    shared: z.boolean().optional().describe("others may share it"),
    wait: z.int().min(1).max(600).optional().describe("seconds to stand in line for it"),
  }),
  async run({ paths: wanted, reason, shared, wait }, call) {
    const { relay, now, signal } = call;
    const options = { reason, mode: shared ? ("shared" as const) : undefined };
    const made =
      wait === undefined
        ? await relay.claim(wanted, options)
        : await withProgress(call, wait, () => relay.claim(wanted, { ...options, waitMs: wait * 1000, signal }));
    return {
      text: `You hold ${claimWords(made)} for ${formatLeft(Date.parse(made.expires_at) - now())}; ${made.tentative ? TENTATIVE : "your work renews it"}\n`,
      data: { claim: made },
    };
  },
});

const release = tool({
  name: "release",
  title: "Release files",
  about: "Give back what you claimed; without paths, all of it.",
  hints: {},
  input: z.strictObject({ paths: paths.optional() }),
  async run({ paths: given }, { relay }) {
    const released = await (given === undefined ? relay.claims.releaseAll() : relay.release(given));
    const what = released.map(claimWords).join(", ");
    return { text: what === "" ? "You held nothing\n" : `Released ${what}\n`, data: { released } };
  },
});

const check = tool({
  name: "check",
  title: "Ask whether files are free",
  about:
    "Ask whether you could claim these, and who holds them, without taking them; without paths, all that is claimed.",
  hints: { reads: true, repeats: true },
  input: z.strictObject({ paths: paths.optional() }),
  async run({ paths: given }, { relay, me, names, now }) {
    const called = await names();
    if (given === undefined) {
      const all = await relay.claims.list();
      return {
        text:
          frameWhatFits(
            all.map((one) => claimLine(one, called, me, now())),
            "claims",
          ) || "Nothing is claimed\n",
        data: { claims: all },
      };
    }
    const found = await relay.claims.check(given);
    const lines = found.claims.map((one) => claimLine(one, called, me, now()));
    const verdict = found.is_free
      ? "Free for you to claim\n"
      : "Not free: work on something else, or claim it with wait\n";
    return { text: `${verdict}${frameWhatFits(lines, "claims")}`, data: { ...found } };
  },
});

const tasks = tool({
  name: "tasks",
  title: "See the board of tasks",
  about: "The tasks that are not over, the first to do first.",
  hints: { reads: true, repeats: true },
  input: z.strictObject({
    ready: z.boolean().optional().describe("only those that could be taken now"),
    limit: z.int().min(1).max(100).optional(),
  }),
  async run({ ready, limit = 20 }, { relay, me, now }) {
    const found = await relay.tasks.list({ limit, which: ready ? "ready" : "open" });
    const called = await relay.agents.names(found.tasks.map(({ owner }) => owner?.session_id));
    const lines = found.tasks.map((one) => `${taskLine(one, found, called, me, now())}\n`);
    return {
      text: frameWhatFits(lines, "tasks", "more are not shown: a smaller limit shows the first") || "No tasks\n",
      data: { ...found },
    };
  },
});

const MOVES = ["next", "add", "claim", "done", "release", "block", "note", "cancel"] as const;

const task = tool({
  name: "task",
  title: "Work on the board of tasks",
  about:
    "`next` takes the best task that is ready; `add` puts one on the board (title); `claim`, `done`, `release`, `block` (text: why), `note` (text), `cancel` act on one (task: its id).",
  hints: {},
  input: z.strictObject({
    do: z.enum(MOVES),
    task: z.string().optional(),
    title: z.string().optional(),
    text: z.string().optional().describe("of a note, the reason of a block, or the description of a new task"),
    files: z.array(z.string()).optional().describe("that a new task is about"),
    after: z.array(z.string()).optional().describe("tasks that have to be over before"),
  }),
  async run(args, call) {
    const { relay } = call;
    const { text } = args;
    switch (args.do) {
      case "next": {
        const taken = await relay.tasks.next();
        return taken ? taskAnswer("Yours", taken, call) : { text: "No task is ready\n", data: {} };
      }
      case "add": {
        const fields = { description: text, files: args.files, dependsOn: args.after };
        return taskAnswer("Added", await relay.tasks.add(args.title ?? "", fields), call);
      }
      case "claim":
        return taskAnswer("Yours", await relay.tasks.claim(args.task ?? ""), call);
      case "done":
      case "cancel": {
        const ended = await relay.tasks[args.do](args.task ?? "", text === undefined ? {} : { reason: text });
        return taskAnswer(args.do === "done" ? "Done" : "Cancelled", ended.task, call);
      }
      case "release":
        return taskAnswer("Given back", await relay.tasks.release(args.task ?? ""), call);
      case "block":
        return taskAnswer("Blocked", await relay.tasks.block(args.task ?? "", text ?? ""), call);
      case "note":
        return taskAnswer("Noted", await relay.tasks.note(args.task ?? "", text ?? ""), call);
    }
  },
});

async function taskAnswer(what: string, found: Task, { relay, me, now }: ToolCall): Promise<ToolAnswer> {
  const called = await relay.agents.names([found.owner?.session_id]);
  const lines = [
    `${taskLine(found, await relay.tasks.standings([found]), called, me, now())}\n`,
    ...(found.description === undefined ? [] : [`  ${clean(found.description).replaceAll("\n", "\n  ")}\n`]),
  ];
  const isTentative = found.owner?.tentative ? ` (${TENTATIVE})` : "";
  return {
    text: `${what}: ${shortId(found.id)}${isTentative}\n${frameWhatFits([lines.join("")], "the task")}`,
    data: { task: found },
  };
}

const decide = tool({
  name: "decide",
  title: "Write down a decision",
  about: "Write down what was decided, for good, and tell everyone; without a text, show what was decided.",
  hints: {},
  input: z.strictObject({ text: z.string().optional() }),
  async run({ text }, { relay, names }) {
    if (text !== undefined) {
      const made = await relay.decisions.add(text);
      return { text: `Decided: ${shortId(made.id)}; everyone is told\n`, data: { decision: made } };
    }
    const all = await relay.decisions.list();
    const called = await names();
    const lines = all
      .reverse()
      .map(
        (one) =>
          `${shortId(one.id)} ${cleanLine(called.get(one.session_id) ?? one.session_id)}: ${cleanLine(one.content)}\n`,
      );
    return {
      text: frameWhatFits(lines, "decisions, the newest first", "older are not shown") || "Nothing was decided yet\n",
      data: { decisions: all },
    };
  },
});

/**
 * Why each tool is there: `claim` takes files, `release` gives them back, `check` looks at them, `tasks` shows the
 * work, `task` moves it, `decide` keeps what was agreed.
 */
export const WORK_TOOLS: readonly Tool[] = [claim, release, check, tasks, task, decide];
