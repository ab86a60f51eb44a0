import pkg from "../../package.json" with { type: "json" };
import { RelayError } from "../errors.ts";
import { quoted } from "../shell/quote.ts";
import { asTyped, json } from "../text.ts";
import { firstWord, GLOBAL_FLAGS, runVerb } from "./command.ts";
import { fail } from "./exit.ts";
import type { Io } from "./io.ts";
import { nameOf, verbMeant, withRest } from "./meant.ts";
import { VERBS } from "./verbs.ts";

/** Runs the command with its arguments (without node and script). Returns the exit code; never throws. */
export async function main(args: readonly string[], io: Io): Promise<number> {
  try {
    const at = firstWord(args);
    const word = args[at];
    if (word === undefined && args.some((flag) => flag === "--version" || flag === "-V"))
      return await version(args, io);
    const odd = word === undefined ? args.find((flag) => !["--help", "-h"].includes(flag)) : undefined;
    if (odd !== undefined)
      throw new RelayError("usage", `Cannot run ${asTyped(odd, 80)}: a verb comes first`, {
        next: "agent-relay help",
      });
    if (word === undefined || word === "help") return await help(args.slice(at + 1), io);
    const early = args.slice(0, at).find((arg) => arg.startsWith("-") && !EVERYWHERE.includes(arg.split("=")[0] ?? ""));
    if (early !== undefined) throw verbLate(early, args);
    const verb = VERBS[word];
    if (!Object.hasOwn(VERBS, word) || !verb) throw await unknown(word, args.slice(at + 1));
    const { verb: described, run = (own) => runVerb(described, own, io) } = await verb.load();
    return await run(args.toSpliced(at, 1), io);
  } catch (error) {
    return fail(error, io, { asJson: args.includes("--json"), verb: args[firstWord(args)] });
  }
}

const EVERYWHERE = ["--help", "-h", ...Object.keys(GLOBAL_FLAGS).flatMap((text) => text.match(/--?[a-zA-Z]+/g) ?? [])];

async function version(args: readonly string[], io: Io): Promise<number> {
  await io.out(args.includes("--json") ? json({ version: pkg.version }) : `${pkg.version}\n`);
  return 0;
}

/** The help of a verb, of a verb of its own (`help task add`), or of a topic, also if a verb has its name; without any, of all. */
async function help(words: readonly string[], io: Io): Promise<number> {
  const [word, part] = words.filter((each) => !each.startsWith("-"));
  const { guide, TOPICS } = await import("./guides.ts");
  const verb = word === undefined || !Object.hasOwn(VERBS, word) ? undefined : VERBS[word];
  const isTopic = word !== undefined && part === undefined && Object.hasOwn(TOPICS, word);
  if (verb && !isTopic) {
    const { verb: described } = await verb.load();
    const isPart = part === undefined || described.parts.length === 0;
    if (!isPart && !described.parts.some(({ name }) => name === part)) return await runVerb(described, [part], io);
    return await runVerb(described, [...(part === undefined ? [] : [part]), "--help"], io);
  }
  if (word !== undefined && !isTopic) throw unknownVerb(word, ["--help"], Object.keys(TOPICS));
  const text = word === undefined ? (await import("./overview.ts")).overview() : guide(word, io.script);
  await (await import("./pager.ts")).printHelp(io, verb ? `${text}\nThe verb: agent-relay ${word} --help\n` : text);
  return 0;
}

/** The error of a verb's own flag before the verb. */
function verbLate(early: string, args: readonly string[]): RelayError {
  const at = args.findIndex((arg) => Object.hasOwn(VERBS, arg));
  const others = args.filter((_, index) => index !== at).map(quoted);
  return new RelayError("usage", `Cannot run ${asTyped(early, 80)}: a verb comes first`, {
    next: at < 0 ? "agent-relay help" : ["agent-relay", args[at], ...others].join(" "),
  });
}

async function unknown(word: string, rest: readonly string[]): Promise<RelayError> {
  const { TOPICS } = await import("./guides.ts");
  if (verbMeant(word, []).only !== undefined || !Object.hasOwn(TOPICS, word)) return unknownVerb(word, rest);
  return new RelayError("usage", `Cannot run ${asTyped(word, 80)}: there is no such verb; it is a topic of help`, {
    next: `agent-relay help ${word}`,
  });
}

/** `topics`: other words that stand there. */
function unknownVerb(word: string, rest: readonly string[], topics: readonly string[] = []): RelayError {
  const { only, near } = verbMeant(word, [...new Set([...Object.keys(VERBS), ...topics])]);
  const hint = only === undefined ? near.join(" or ") : nameOf(only);
  if (topics.includes(hint))
    return new RelayError("usage", `Cannot show ${asTyped(word, 80)}: there is no such topic; did you mean ${hint}?`, {
      next: `agent-relay help ${hint}`,
    });
  return new RelayError(
    "usage",
    `Cannot run ${asTyped(word, 80)}: there is no such verb${hint === "" ? "" : `; did you mean ${hint}?`}`,
    { next: only === undefined ? "agent-relay help" : `agent-relay ${withRest(only, rest)}` },
  );
}
