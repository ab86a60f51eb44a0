import fs from "node:fs";
import { afterEach, expect, test, vi } from "vitest";
import { Story } from "../support/cli.ts";
import { isWhole } from "../support/scale.ts";

// What cannot be read now is not broken: no verb sets it aside or crashes, and who is told less is told that.

afterEach(() => void vi.restoreAllMocks());

/** A relay with a record of each kind, by the clock of the story. */
async function used() {
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

type Ids = Awaited<ReturnType<typeof used>>["ids"];

const PLACES: readonly ((ids: Ids) => string)[] = [
  ({ question }) => `messages/${question}.json`,
  () => "agents/cho.json",
  () => "archive/agents/gone.json",
  () => "names/choby.json",
  () => "claims/live.json",
  ({ task }) => `tasks/${task}.json`,
  ({ wait }) => `waits/${wait}.json`,
  ({ decision }) => `decisions/${decision}.json`,
  ({ log }) => `activity/${log}`,
  () => "relay.json",
  ...[
    "messages",
    "agents",
    "archive/agents",
    "inboxes/bob",
    "claims",
    "tasks",
    "tasks/open",
    "waits",
    "decisions",
    "activity",
  ].map((folder) => () => folder),
];

const VERBS: readonly ((ids: Ids) => readonly string[])[] = [
  ...[
    "inbox",
    "unread",
    "agents",
    "status",
    "claims",
    "decisions",
    "activity",
    "history",
    "whoami",
    "conflicts",
    "doctor",
    "gc",
    "cleanup",
    "heartbeat",
  ].map((verb) => () => [verb]),
  () => ["inbox", "--peek"],
  () => ["status", "--compact"],
  () => ["check", "src/a.ts"],
  () => ["claim", "src/b.ts"],
  () => ["release"],
  () => ["send", "--to", "choby", "hello"],
  () => ["send", "hello all"],
  ({ question }) => ["reply", question, "this"],
  ({ question }) => ["ack", question],
  ({ question }) => ["read", question],
  ({ question }) => ["thread", question],
  ({ question }) => ["explain", question],
  () => ["task", "list"],
  () => ["task", "next"],
  ({ task }) => ["task", "show", task],
  () => ["task", "add", "third"],
  () => ["show", "mail"],
  () => ["show", "tasks"],
  () => ["wait", "--ended", "gone"],
  () => ["decide", "tabs"],
  () => ["register"],
  () => ["export"],
];

/** Every read of `place`, and of what is in it, fails with `code`. Returns how many did. */
function failing(place: string, code: string): () => number {
  let hits = 0;
  const isMeant = (file: unknown) => typeof file === "string" && (file === place || file.startsWith(`${place}/`));
  for (const name of ["openSync", "readFileSync", "readdirSync", "opendirSync"] as const) {
    const real = fs[name] as (...args: unknown[]) => unknown;
    vi.spyOn(fs, name).mockImplementation(((...args: unknown[]) => {
      const isWrite = name === "openSync" && typeof args[1] === "number" && (args[1] & 3) !== 0;
      if (!isMeant(args[0]) || isWrite) return real(...args);
      hits++;
      throw Object.assign(new Error(`${code}: ${String(args[0])}`), { code, errno: -1, syscall: name, path: args[0] });
    }) as never);
  }
  return () => hits;
}

const NAMES: Ids = {
  question: "<question>",
  message: "",
  task: "<task>",
  wait: "<wait>",
  decision: "<decision>",
  log: "<log>",
};

const CODES = ["EACCES", "EIO"];

test.each(PLACES.map((place) => [place(NAMES), place] as const))(
  "%s that cannot be read now was set aside as broken, crashed a verb, or was passed over without a word",
  async (_, place) => {
    const { story: first, ids } = await used();
    const wrong: string[] = [];
    let reads = 0;
    // Each verb meets each place by one of the two errors; where all is run, by both.
    const tries = VERBS.flatMap((verb, index) =>
      (isWhole ? CODES : [CODES[index % 2] ?? ""]).map((code) => ({ verb, code })),
    );
    for (const { verb, code } of tries) {
      const story = Object.assign(new Story(), { now: first.now });
      fs.cpSync(`${first.cwd}/.relay`, `${story.cwd}/.relay`, { recursive: true, preserveTimestamps: true });
      const target = `${story.cwd}/.relay/${place(ids)}`;
      const before = fs.statSync(target).isFile() ? fs.readFileSync(target, "utf8") : undefined;
      const words = verb(ids);
      const hits = failing(target, code);
      const ran = await story.as("bob", ...words);
      const failed = hits();
      vi.restoreAllMocks();
      reads += failed;
      const complain = (what: string) => wrong.push(`${words.join(" ")}, ${code}: ${what}`);
      if (ran.err.includes("has a bug")) complain(`crashed: ${ran.err}`);
      if (failed > 0 && ran.code === 0 && !/EACCES|EIO|cannot be read/.test(ran.out + ran.err))
        complain("said nothing of it");
      if (fs.existsSync(`${story.cwd}/.relay/quarantine`)) complain("set something aside");
      const changes = ["reply", "ack", "register"].includes(words[0] ?? ""); // the one that was just read well, or is to be changed
      if (before !== undefined && !changes && !fs.readFileSync(target, "utf8").startsWith(before))
        complain("changed it");
    }
    expect(wrong).toEqual([]);
    expect(reads, "somebody wanted to read it").toBeGreaterThan(0);
  },
);

test("an inbox was not shown because the claims, for which others wait, could not be read", async () => {
  const { story } = await used();
  failing(`${story.cwd}/.relay/claims/live.json`, "EIO");
  const { code, out, err } = await story.as("bob", "inbox");
  expect(code).toBe(0);
  expect(out).toContain("readable");
  expect(err).toMatch(/note: Cannot read \S+claims\/live.json": EIO; it was passed over/);
});
