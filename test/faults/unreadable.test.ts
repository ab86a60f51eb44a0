import fs from "node:fs";
import { afterEach, expect, test, vi } from "vitest";
import { isWhole } from "../support/scale.ts";
import { CARES, CHANGES, copyOf, IDS, type Ids, LOOKS, usedRelay } from "../support/used-relay.ts";

// What cannot be read now is not broken: no verb sets it aside or crashes, and who is told less is told that.

afterEach(() => void vi.restoreAllMocks());

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

const COMMANDS = [...LOOKS, ...CHANGES, ...CARES];

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

const CODES = ["EACCES", "EIO"];

test.each(PLACES.map((place) => [place(IDS), place] as const))(
  "%s that cannot be read now was set aside as broken, crashed a verb, or was passed over without a word",
  async (_, place) => {
    const { story: first, ids } = await usedRelay();
    const wrong: string[] = [];
    let reads = 0;
    // Each verb meets every other place by one of the two errors; where all is run, each by both.
    const nth = PLACES.indexOf(place);
    const tries = COMMANDS.flatMap((command, index) =>
      CODES.filter((_, which) => isWhole || index % 4 === (nth + 2 * which) % 4).map((code) => ({ command, code })),
    );
    for (const { command, code } of tries) {
      const story = copyOf(first);
      const target = `${story.cwd}/.relay/${place(ids)}`;
      const before = fs.statSync(target).isFile() ? fs.readFileSync(target, "utf8") : undefined;
      const words = command(ids);
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
  const { story } = await usedRelay();
  failing(`${story.cwd}/.relay/claims/live.json`, "EIO");
  const { code, out, err } = await story.as("bob", "inbox");
  expect(code).toBe(0);
  expect(out).toContain("readable");
  expect(err).toMatch(/note: Cannot read \S+claims\/live.json": EIO; it was passed over/);
});
