import fs from "node:fs";
import { Story } from "./cli.ts";

/** The ids of what is in a relay that was used. */
export interface Ids {
  readonly question: string;
  readonly message: string;
  readonly task: string;
  readonly wait: string;
  readonly decision: string;
  readonly log: string;
}

/** The same, for the title of a test. */
export const IDS: Ids = {
  ...{ question: "<question>", message: "<message>", task: "<task>" },
  ...{ wait: "<wait>", decision: "<decision>", log: "<log>" },
};

/** A relay with a record of each kind, by the clock of the story: bob has mail, cho holds a file, and gone has left. */
export async function usedRelay(): Promise<{ story: Story; ids: Ids }> {
  const story = new Story();
  for (const session of ["bob", "cho", "gone"]) await story.as(session, "register", "--name", `${session}by`);
  const id = async (session: string, ...args: string[]) => (await story.json<{ id: string }>(session, ...args)).id;
  const question = await id("cho", "send", "--to", "bob", "--kind", "question", "what now?");
  const message = await id("cho", "send", "--to", "bob", "readable");
  await story.as("cho", "send", "to all");
  await story.as("gone", "unregister");
  await story.as("cho", "claim", "src/a.ts");
  const task = await id("cho", "task", "add", "first");
  await story.as("cho", "task", "add", "second");
  const wait = await id("bob", "wait", "--released", "src/a.ts", "--subscribe");
  const decision = await id("cho", "decide", "no tabs");
  await story.as("cho", "log", "tests pass");
  const log = fs.readdirSync(`${story.cwd}/.relay/activity`).find((name) => name.endsWith(".jsonl")) ?? "none";
  return { story, ids: { question, message, task, wait, decision, log } };
}

/** A story of its own, at the same time, with a copy of the relay. */
export function copyOf({ cwd, now }: Story): Story {
  const story = Object.assign(new Story(), { now });
  fs.cpSync(`${cwd}/.relay`, `${story.cwd}/.relay`, { recursive: true, preserveTimestamps: true });
  return story;
}

type Command = (ids: Ids) => readonly string[];

/** Commands that look, and need to write nothing for their answer. */
export const LOOKS: readonly Command[] = [
  ...["unread", "agents", "status", "claims", "decisions", "activity", "history", "whoami", "conflicts", "doctor"].map(
    (verb) => () => [verb],
  ),
  () => ["inbox", "--peek"],
  () => ["status", "--compact"],
  () => ["check", "src/a.ts"],
  ({ question }) => ["thread", question],
  ({ question }) => ["explain", question],
  () => ["task", "list"],
  ({ task }) => ["task", "show", task],
  () => ["show", "mail"],
  () => ["show", "tasks"],
];

/** Commands that change something, or mark what they show. */
export const CHANGES: readonly Command[] = [
  ...["inbox", "heartbeat", "register"].map((verb) => () => [verb]),
  () => ["claim", "src/b.ts"],
  () => ["release", "src/b.ts"],
  () => ["send", "--to", "choby", "hello"],
  () => ["send", "hello all"],
  ({ question }) => ["reply", question, "this"],
  ({ question }) => ["ack", question],
  ({ question }) => ["read", question],
  () => ["task", "next"],
  () => ["task", "add", "third"],
  () => ["decide", "tabs"],
  () => ["export"],
];

/** Commands that change something if there is anything to be done. */
export const CARES: readonly Command[] = [() => ["gc"], () => ["cleanup"], () => ["wait", "--ended", "gone"]];
