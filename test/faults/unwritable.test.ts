import fs from "node:fs";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Story } from "../support/cli.ts";
import { isWhole } from "../support/scale.ts";
import { CARES, CHANGES, copyOf, LOOKS, usedRelay } from "../support/used-relay.ts";

// Where nothing can be written, a look answers as ever, and a change says why it was not done and leaves no trace.

afterEach(() => void vi.restoreAllMocks());

const ERRORS = [
  ["ENOSPC", 7, "the disk is full"],
  ["EDQUOT", 7, "your disk quota is used up"],
  ["EROFS", 6, "the file system is read-only"],
  ["EACCES", 6, "permission denied"],
  ["EPERM", 6, "not permitted"],
] as const;

const SOON = 61_000;
const LATER = 3 * 3_600_000; // claims, waits and sessions of before are over

const WRITES = [
  ...["mkdirSync", "renameSync", "linkSync", "appendFileSync", "writeFileSync", "copyFileSync", "utimesSync"],
  ...["unlinkSync", "rmSync", "rmdirSync", "openSync", "writeSync"],
] as const;

/** Every write below `root` fails with `code`; a full disk lets files be removed. */
function failing(root: string, code: string): void {
  const isFull = code === "ENOSPC" || code === "EDQUOT";
  for (const name of WRITES.filter((each) => !(isFull && /^unlink|^rm/.test(each)))) {
    const real = fs[name as keyof typeof fs] as (...args: unknown[]) => unknown;
    vi.spyOn(fs, name as "mkdirSync").mockImplementation(((...args: unknown[]) => {
      const [where, how] = args;
      const isRead =
        name === "openSync" && (how === undefined || how === "r" || (typeof how === "number" && (how & 3) === 0));
      const isMeant = typeof where === "number" ? where > 2 : typeof where === "string" && where.startsWith(root);
      if (isRead || !isMeant) return real(...args);
      throw Object.assign(new Error(`${code}: ${String(where)}`), { code, errno: -1, syscall: name, path: where });
    }) as never);
  }
}

/** What a command prints, without the word of its frame, which is new each time. */
async function said(story: Story, words: readonly string[]) {
  const { out, err, code } = await story.as("bob", ...words);
  const word = /; ends at (\w{6})\]/.exec(out)?.[1] ?? "no word";
  return {
    out: out.replaceAll(word, "<word>").replaceAll(story.cwd, "<here>"),
    err: err.replaceAll(story.cwd, "<here>"),
    code,
  };
}

/** Each file of the relay with what is in it. */
function content(root: string): Record<string, string> {
  const files = fs.readdirSync(root, { recursive: true, encoding: "utf8" }).sort();
  return Object.fromEntries(
    files.map((name) => [
      name,
      fs.statSync(`${root}/${name}`).isFile() ? fs.readFileSync(`${root}/${name}`, "utf8") : "",
    ]),
  );
}

/** Each command with each error; in a short run with one of them, in turn. */
function tries(commands: typeof LOOKS) {
  return commands.flatMap((command, index) =>
    ERRORS.filter((_, nth) => isWhole || nth === index % ERRORS.length).map((error) => ({ command, error })),
  );
}

describe.each([
  ["soon after", SOON],
  ["hours after", LATER],
])("%s", (_, after) => {
  test("where nothing can be written, a look failed over what it would have tidied up", async () => {
    const { story: first, ids } = await usedRelay();
    first.now += after;
    const wrong: unknown[] = [];
    const healthy = new Map<unknown, Awaited<ReturnType<typeof said>>>();
    for (const { command, error } of tries(LOOKS)) {
      const words = command(ids);
      const wanted = healthy.get(command) ?? (await said(copyOf(first), words));
      healthy.set(command, wanted);
      const story = copyOf(first);
      failing(`${story.cwd}/.relay`, error[0]);
      const found = await said(story, words);
      vi.restoreAllMocks();
      // Later, what bob waited for has come true, and he is told of it as soon as it can be written.
      const isSame = found.code === wanted.code && (after === LATER || found.out === wanted.out);
      const isTold = /^(note: Cannot write .*waits.* it was passed over, and stays as it is\n)?$/.test(found.err);
      if (!isSame || (found.err !== wanted.err && !isTold)) wrong.push({ words, error, found, wanted });
    }
    expect(wrong).toEqual([]);
  });

  test("where nothing can be written, a change crashed, did not say why it failed, or left a trace", async () => {
    const { story: first, ids } = await usedRelay();
    first.now += after;
    const wrong: unknown[] = [];
    for (const { command, error } of tries([...CHANGES, ...CARES])) {
      const [name, exit, says] = error;
      const story = copyOf(first);
      const root = `${story.cwd}/.relay`;
      const before = content(root);
      failing(root, name);
      const { out, err, code } = await said(story, command(ids));
      vi.restoreAllMocks();
      const isRefused = code === exit && err.includes(says) && err.includes("Try: ");
      const isIdle = CARES.includes(command) && code === 0; // there was nothing to be done
      const words = command(ids).join(" ");
      if (!isRefused && !isIdle) wrong.push({ words, name, out, err, code });
      if (JSON.stringify(content(root)) !== JSON.stringify(before)) wrong.push({ words, name, left: content(root) });
    }
    expect(wrong).toEqual([]);
  });
});
