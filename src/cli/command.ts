import { RelayError } from "../errors.ts";
import { Cli, type GlobalFlags } from "./cli.ts";
import { fail } from "./exit.ts";
import { type FlagsOf, type FlagTable, parse, type WordsOf, type WordTable } from "./flag-table.ts";
import type { Described } from "./help.ts";
import type { Io } from "./io.ts";

/** What a verb is, or a part of one: `task add`. */
interface Description<Flags extends FlagTable, Words extends WordTable>
  extends Pick<Described, "name" | "about" | "example" | "note" | "forWord"> {
  readonly flags?: Flags;
  readonly words?: Words;
  /** Verbs of its own. Without `run`, one of them has to be given. */
  readonly parts?: readonly Verb[];
  /** Does it. A number is the exit code. */
  readonly run?: (cli: Cli, flags: FlagsOf<Flags> & GlobalFlags, words: WordsOf<Words>) => Promise<unknown>;
}

/** A verb, described. */
export interface Verb extends Described {
  readonly parts: readonly Verb[];
  readonly run?: ((cli: Cli, flags: never, words: never) => Promise<unknown>) | undefined;
}

/** A file of `commands/`. */
export interface VerbModule {
  readonly verb: Verb;
  /** For a verb that reads its arguments itself. */
  readonly run?: (args: readonly string[], io: Io) => Promise<number>;
}

/** Every verb, with what `--help` says of it. */
export type VerbTable = Readonly<Record<string, { readonly about: string; readonly load: () => Promise<VerbModule> }>>;

/** What every verb takes. */
export const GLOBAL_FLAGS: FlagTable = {
  "-s, --session <session>": "act as this session",
  "-a, --agent <agent>": "which tool the session is: claude, codex, gemini, ...",
  "--dir <dir>": "the relay's own folder, such as .relay",
  "-S, --server <server>": "the address of a server that has the relay",
  "-j, --json": "print one JSON value",
};

const WITH_VALUE = ["--dir", "--server", "-S", "--session", "-s", "--agent", "-a"];

/** Where the first word stands that is no flag and no value of a flag that every verb takes. */
export function firstWord(args: readonly string[]): number {
  const at = args.findIndex((word, index) => !word.startsWith("-") && !WITH_VALUE.includes(args[index - 1] ?? ""));
  return at < 0 ? args.length : at;
}

/** Describes a verb; the compiler knows its flags and words from the tables. */
export function defineVerb<
  const Flags extends FlagTable = Record<never, never>,
  const Words extends WordTable = Record<never, never>,
>({ flags, words, parts = [], ...description }: Description<Flags, Words>): Verb {
  return { ...description, flags: flags ?? {}, words: words ?? {}, parts };
}

/** Runs a verb with its arguments; returns the exit code. */
export async function runVerb(whole: Verb, args: readonly string[], io: Io): Promise<number> {
  const at = firstWord(args);
  const part = whole.parts.find(({ name }) => name === args[at]);
  const name = part ? `${whole.name} ${part.name}` : whole.name;
  const verb = withGlobals(part ?? whole, name);
  const own = part ? args.toSpliced(at, 1) : args;
  let begun: Cli | undefined;
  try {
    const given = verb.run && parse(own, verb.flags, verb.words);
    if (!given) return await explain(verb, own, io);
    begun = new Cli(io, given.flags as GlobalFlags);
    const result = await verb.run(begun, given.flags as never, given.words as never);
    begun.done();
    await begun.tellIfUnknown();
    return typeof result === "number" ? result : 0;
  } catch (error) {
    const isReadByPerson = begun?.isReadByPerson === true;
    return fail(error, io, { asJson: args.includes("--json"), isReadByPerson, verb: name });
  }
}

/** A verb as it is run: with the flags that every verb takes, by the name that is typed. */
export function withGlobals(verb: Verb, name: string): Verb {
  const about = `${verb.about.charAt(0).toUpperCase()}${verb.about.slice(1)}`.replace(/(?<![.!?])$/, ".");
  return { ...verb, about, name: `agent-relay ${name}`, flags: { ...verb.flags, ...GLOBAL_FLAGS } };
}

/** Prints the help that was asked for, or throws `usage`. */
async function explain(verb: Verb, args: readonly string[], io: Io): Promise<number> {
  const { helpFor } = await import("./help.ts");
  const help = await helpFor(verb, args);
  if (help === undefined)
    throw new RelayError("usage", `Cannot run "${verb.name}": its arguments cannot be read`, {
      next: `${verb.name} --help`,
    });
  await (await import("./pager.ts")).printHelp(io, help);
  return 0;
}
