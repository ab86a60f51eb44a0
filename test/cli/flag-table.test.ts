import fc from "fast-check";
import { expect, test } from "vitest";
import { type Verb, withGlobals } from "../../src/cli/command.ts";
import { explained, type FlagTable, parse, type WordTable } from "../../src/cli/flag-table.ts";
import { helpFor } from "../../src/cli/help.ts";
import { VERBS } from "../../src/cli/verbs.ts";
import { RelayError } from "../../src/errors.ts";

const FLAGS = {
  "--all": "stands alone",
  "-q, --quiet": "stands alone, and is short",
  "--no-hooks": "stands alone, like any other",
  "-t, --to <who>": { about: "one value each time", isRepeatable: true },
  "-k, --kind <kind>": { about: "one of some", choices: ["status", "info"] },
  "--reply-to <id>": "one value",
  "--wait [time]": "a value if one follows",
  "-f, --file <path...>": "all that follow",
} as const satisfies FlagTable;

const flagsOf = (...args: string[]) => parse(args, FLAGS, { "[word...]": "" })?.flags;
const wordsOf = (table: WordTable, ...args: string[]) => parse(args, FLAGS, table)?.words;
const read = (...args: string[]) => parse(args, FLAGS, { "[word...]": "" });

test("nothing given is no flag, and a list of no words", () => {
  expect(read()).toEqual({ flags: {}, words: { word: [] } });
});

test("a flag without a value is true, by its long or its short name, and takes no word", () => {
  expect(read("--all", "a", "-q", "b")).toEqual({ flags: { all: true, quiet: true }, words: { word: ["a", "b"] } });
});

test("a flag that begins with no- has that in its name, too: nothing is turned into false", () => {
  expect(flagsOf("--no-hooks")).toEqual({ noHooks: true });
});

test("a flag's value is the next word, or stands behind = or directly behind a short name", () => {
  for (const args of [["--kind", "status"], ["--kind=status"], ["-k", "status"], ["-kstatus"]])
    expect(flagsOf(...args), args.join(" ")).toEqual({ kind: "status" });
  expect(flagsOf("--reply-to=a=b")).toEqual({ replyTo: "a=b" });
  expect(flagsOf("--reply-to=")).toEqual({ replyTo: "" });
  expect(flagsOf("--reply-to", "")).toEqual({ replyTo: "" });
});

test("short flags may stand together, and the last of them has the value", () => {
  expect(flagsOf("-qkstatus")).toEqual({ quiet: true, kind: "status" });
  expect(flagsOf("-qk", "status")).toEqual({ quiet: true, kind: "status" });
});

test("of a flag that is given again the last value counts; one that may be repeated has them all", () => {
  expect(flagsOf("--reply-to", "a", "--reply-to", "b")).toEqual({ replyTo: "b" });
  expect(flagsOf("--to", "a", "-t", "b", "--to=c")).toEqual({ to: ["a", "b", "c"] });
});

test("a flag that may be repeated takes one word at a time", () => {
  expect(read("--to", "a", "b")).toEqual({ flags: { to: ["a"] }, words: { word: ["b"] } });
});

test("a flag with a list takes every word up to the next flag or --, and goes on where it is given again", () => {
  expect(read("--file", "a", "b", "--all", "c", "-f", "d", "--", "e")).toEqual({
    flags: { file: ["a", "b", "d"], all: true },
    words: { word: ["c", "e"] },
  });
});

test("a list whose value is in the same word has that alone", () => {
  expect(read("--file=a", "b")).toEqual({ flags: { file: ["a"] }, words: { word: ["b"] } });
  expect(read("-fa", "b")).toEqual({ flags: { file: ["a"] }, words: { word: ["b"] } });
});

test("a flag that may have a value has the word that follows, or is true", () => {
  expect(read("--wait", "5m", "a")).toEqual({ flags: { wait: "5m" }, words: { word: ["a"] } });
  expect(read("--wait=5m", "a")).toEqual({ flags: { wait: "5m" }, words: { word: ["a"] } });
  expect(read("--wait=", "a")).toEqual({ flags: { wait: "" }, words: { word: ["a"] } });
  expect(flagsOf("--wait", "--all")).toEqual({ wait: true, all: true });
  expect(read("--wait", "--", "a")).toEqual({ flags: { wait: true }, words: { word: ["a"] } });
  expect(flagsOf("--wait")).toEqual({ wait: true });
  expect(flagsOf("--wait", "5m", "--wait")).toEqual({ wait: true });
});

test("behind -- everything is a word; one dash, and a negative number, are words anywhere", () => {
  expect(read("--", "--all", "-x", "--")).toEqual({ flags: {}, words: { word: ["--all", "-x", "--"] } });
  expect(read("-", "-5", "-1.5e-3")).toEqual({ flags: {}, words: { word: ["-", "-5", "-1.5e-3"] } });
  expect(flagsOf("--reply-to", "-5", "--file", "-1", "-2", "--wait", "-.5")).toEqual({
    ...{ replyTo: "-5", file: ["-1", "-2"], wait: "-.5" },
  });
});

test("what no table has is not read: an unknown flag, help, a value too many or missing", () => {
  for (const args of [
    ["--bogus"],
    ["-x"],
    ["-qx"],
    ["-q-"],
    ["--help"],
    ["-h"],
    ["--all=yes"],
    ["--__proto__"],
    ["--reply-to"],
    ["-k"],
    ["--file"],
  ])
    expect(read(...args), args.join(" ")).toBeUndefined();
});

test("a value is one of the choices, if there are any", () => {
  expect(flagsOf("--kind", "other")).toBeUndefined();
  const words = { "<one>": { about: "", choices: ["a", "b"] }, "[rest...]": { about: "", choices: ["c"] } } as const;
  expect(wordsOf(words, "b", "c", "c")).toEqual({ one: "b", rest: ["c", "c"] });
  expect(wordsOf(words, "c")).toBeUndefined();
  expect(wordsOf(words, "a", "b")).toBeUndefined();
});

test("words are as many as the table has: what has to be there is, what may be is or is undefined", () => {
  const two = { "<task>": "", "[file-name]": "" };
  expect(wordsOf(two, "a")).toEqual({ task: "a", fileName: undefined });
  expect(wordsOf(two, "a", "b")).toEqual({ task: "a", fileName: "b" });
  expect(wordsOf(two)).toBeUndefined();
  expect(wordsOf(two, "a", "b", "c")).toBeUndefined();
  expect(wordsOf({ "<task>": "", "<text...>": "" }, "a")).toBeUndefined();
  expect(wordsOf({ "<task>": "", "<text...>": "" }, "a", "b", "c")).toEqual({ task: "a", text: ["b", "c"] });
  expect(wordsOf({}, "a")).toBeUndefined();
});

test("a flag is no value of another, unless it is written in the same word", () => {
  for (const args of [
    ["--reply-to", "--all"],
    ["--file", "-k", "status"],
    ["-t", "-q"],
    ["-qt", "--all"],
    ["--reply-to", "--", "--to", "--all"],
  ])
    expect(read(...args), args.join(" ")).toBeUndefined();
  expect(flagsOf("--reply-to=--all")).toEqual({ replyTo: "--all" });
  expect(flagsOf("--reply-to", "--other")).toEqual({ replyTo: "--other" });
});

/** Every verb and part that does something, by what is typed. */
async function runnable(): Promise<Verb[]> {
  const modules = await Promise.all(Object.values(VERBS).map(({ load }) => load()));
  const all = modules.flatMap(({ verb }) => [
    withGlobals(verb, verb.name),
    ...verb.parts.map((part) => withGlobals(part, `${verb.name} ${part.name}`)),
  ]);
  return all.filter(({ run }) => run !== undefined);
}

/** Lists of arguments, more or less of those that a verb takes. */
function argumentsFor({ flags, words }: Verb): fc.Arbitrary<string[]> {
  const choices = [...Object.values(flags), ...Object.values(words)].flatMap((said) => explained(said).choices ?? []);
  const names = Object.keys(flags).flatMap((text) => text.match(/(?<!\S)--?[\w-]+/g) ?? []);
  const short = names.filter((name) => name.length === 2).map((name) => name.slice(1));
  const odd = [
    "",
    "-",
    "--",
    "-5",
    "-1e-3",
    "a",
    "a b",
    "- a",
    "--help",
    "-h",
    "--bogus",
    "-z",
    "--no-all",
    "--=",
    "---",
  ];
  const value = fc.constantFrom("a", ...choices, ...odd);
  return fc.array(
    fc.oneof(
      { arbitrary: fc.constantFrom(...names), weight: 4 },
      { arbitrary: fc.constantFrom("a", "b", ...choices), weight: 4 },
      value,
      fc.tuple(fc.constantFrom(...names), fc.constantFrom("=", ""), value).map((parts) => parts.join("")),
      fc.array(fc.constantFrom(...short, "z"), { minLength: 1 }).map((letters) => `-${letters.join("")}`),
    ),
    { maxLength: 6 },
  );
}

test("whatever a verb is given, it runs or there is help or an error, and never both or neither", async () => {
  for (const verb of await runnable())
    await fc.assert(
      fc.asyncProperty(argumentsFor(verb), async (args) => {
        const isRead = parse(args, verb.flags, verb.words) !== undefined;
        expect(isRead, `${verb.name} ${JSON.stringify(args)}`).toBe(!(await isExplained(verb, args)));
      }),
      { numRuns: 50 },
    );
});

async function isExplained(verb: Verb, args: readonly string[]): Promise<boolean> {
  try {
    return (await helpFor(verb, args)) !== undefined;
  } catch (error) {
    if (error instanceof RelayError && error.code === "usage") return true;
    throw error;
  }
}
