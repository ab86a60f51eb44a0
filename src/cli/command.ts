import util from "node:util";
import type { Command, CommanderError } from "commander";
import { RelayError } from "../errors.ts";
import { quoted } from "../shell/quote.ts";
import { beginning } from "../text.ts";
import { Cli, type GlobalFlags } from "./cli.ts";
import { fail } from "./exit.ts";
import type { Io } from "./io.ts";

/** Runs one verb with its arguments; returns the exit code. */
export type Verb = (args: readonly string[], io: Io) => Promise<number>;

type Commander = typeof import("commander");

/**
 * Describes a verb's flags and help. Its action gives `act` the function to run; a number that this returns is the exit
 * code. The library is passed in, so that it is loaded only when it is used.
 */
export type Describe = (library: Commander, act: (run: (cli: Cli) => Promise<unknown>) => void) => Command;

/**
 * For the verbs that are run most: their flags once more, in the words of `util.parseArgs`. With arguments that it
 * accepts, the command parser (a fifth of bare node's start) is not loaded. A test checks that both are the same.
 */
export interface Plain<Flags> {
  readonly options: Readonly<Record<string, { type: "string" | "boolean"; short?: string; multiple?: boolean }>>;
  /** Whether it takes words that are no flags. */
  readonly takesWords: boolean;
  readonly act: (cli: Cli, flags: Flags & GlobalFlags, words: string[]) => Promise<unknown>;
}

/** A file of `commands/`. */
export interface VerbModule {
  readonly run: Verb;
  readonly describe: Describe;
  /** The same flags for `util.parseArgs`, if the verb can start without the command parser. */
  readonly options?: Plain<never>["options"];
}

/** Every verb, with what `--help` says of it. */
export type VerbTable = Readonly<Record<string, { readonly about: string; readonly load: () => Promise<VerbModule> }>>;

export const GLOBAL_OPTIONS: Plain<never>["options"] = {
  session: { type: "string", short: "s" },
  agent: { type: "string", short: "a" },
  dir: { type: "string" },
  server: { type: "string", short: "S" },
  json: { type: "boolean" },
};

const GLOBAL_HELP: Readonly<Record<string, string>> = {
  session: "act as this session",
  agent: "which tool the session is: claude, codex, gemini, ...",
  dir: "the relay's own folder, such as .relay",
  server: "the address of a server that has the relay",
  json: "print one JSON value",
};

/** Makes a verb of its description. */
export function verb<Flags>(describe: Describe, plain?: Plain<Flags>): Verb {
  return async (args, io) => {
    let begun: Cli | undefined;
    const begin = (flags: GlobalFlags) => {
      begun = new Cli(io, flags);
      return begun;
    };
    try {
      const parsed = plain && plainly(plain, args);
      const code = parsed
        ? await finished(begin(parsed.flags), (cli) => plain.act(cli, parsed.flags, parsed.words))
        : await byDescription(describe, args, io, begin);
      return typeof code === "number" ? code : 0;
    } catch (error) {
      const isReadByPerson = begun?.isReadByPerson === true;
      return fail(error, io, { asJson: args.includes("--json"), isReadByPerson, verb: await nameFor(error, describe) });
    }
  };
}

/** The verb's name, for an error that does not say itself what to do next. */
async function nameFor(error: unknown, describe: Describe): Promise<string | undefined> {
  if (!(error instanceof RelayError) || error.next !== undefined) return undefined;
  return describe(await import("commander"), () => {}).name();
}

/** A verb's command with the flags that every verb has. */
export function withGlobals(command: Command): Command {
  for (const [name, { type, short }] of Object.entries(GLOBAL_OPTIONS)) {
    const isTaken = command.options.some((own) => own.long === `--${name}`);
    const flags = `${short === undefined ? "" : `-${short}, `}--${name}${type === "string" ? ` <${name}>` : ""}`;
    if (!isTaken) command.option(flags, GLOBAL_HELP[name]);
  }
  return command.name(`agent-relay ${command.name()}`).allowExcessArguments(false);
}

function plainly<Flags>({ options, takesWords }: Plain<Flags>, args: readonly string[]) {
  try {
    const config = { args: [...args], allowPositionals: true, options: { ...GLOBAL_OPTIONS, ...options } };
    const { values, positionals } = util.parseArgs(config);
    if (positionals.length > 0 && !takesWords) return undefined;
    const flags = Object.fromEntries(Object.entries(values).map(([name, value]) => [camelCase(name), value]));
    return { flags: flags as Flags & GlobalFlags, words: positionals };
  } catch (error) {
    if (error instanceof TypeError) return undefined; // a mistake, or --help: the command parser says it better
    throw error;
  }
}

async function byDescription(
  describe: Describe,
  args: readonly string[],
  io: Io,
  begin: (flags: GlobalFlags) => Cli,
): Promise<unknown> {
  const library = await import("commander");
  let chosen: ((cli: Cli) => Promise<unknown>) | undefined;
  let help = "";
  const command = withGlobals(describe(library, (run) => (chosen = run)));
  for (const each of [command, ...command.commands])
    each.exitOverride().configureOutput({ writeOut: (text) => (help += text), writeErr: () => {} });
  try {
    checkValues(command, args);
    command.parse([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof library.CommanderError)) throw error;
    if (error.code === "commander.help") return io.out(command.helpInformation());
    if (error.exitCode !== 0) throw misuse(error, command, args);
    return io.out(help);
  }
  const run = chosen;
  return run && finished(begin(command.opts<GlobalFlags>()), run);
}

async function finished(cli: Cli, run: (cli: Cli) => Promise<unknown>): Promise<unknown> {
  const result = await run(cli);
  cli.done();
  await cli.tellIfUnknown();
  return result;
}

function misuse(error: CommanderError, command: Command, args: readonly string[]): RelayError {
  const says = error.message.replace(/^error: /, "").replace(/\n/g, " ");
  const text = error.code === "commander.unknownOption" ? args.findIndex((arg) => /^- ?[^-]*\s/.test(arg)) : -1;
  const next =
    text < 0 ? `${command.name()} --help${orAsText(error, command, args)}` : withTextLast(command.name(), args, text);
  return new RelayError("usage", `Cannot run "${command.name()}": ${says}`, { next });
}

/** How a word that begins with a dash is given as text, for a verb that takes one. */
function orAsText(error: CommanderError, command: Command, args: readonly string[]): string {
  const at = args.findIndex((arg) => arg.startsWith("-") && error.message.includes(`'${arg}'`));
  const takesText = command.registeredArguments.some(({ variadic }) => variadic);
  if (error.code !== "commander.unknownOption" || !takesText || at < 0 || error.message.includes("Did you mean"))
    return "";
  return `, or if it is text: ${withTextLast(command.name(), args, at)}`;
}

/** The same command with its text last, behind `--`: the text begins with a dash. */
function withTextLast(name: string, args: readonly string[], text: number): string {
  const others = args.filter((arg, index) => index !== text && arg !== "--").map(quoted);
  const words = args[text] ?? "";
  return [
    name,
    ...others,
    "--",
    quoted(words.length > MAX_QUOTED_CHARS ? `${beginning(words, 12)}... (your text)` : words),
  ].join(" ");
}

const MAX_QUOTED_CHARS = 80;

/** Throws `usage` for an option as the value of another: an empty variable in a script makes that, never on purpose. */
function checkValues(command: Command, args: readonly string[]): void {
  const all = [command, ...command.commands].flatMap((each) => each.options);
  const named = (arg: string) => all.find(({ long, short }) => long === arg || short === arg);
  for (const [index, arg] of args.entries()) {
    if (arg === "--") return;
    const value = args[index + 1];
    if (named(arg)?.required && value !== undefined && named(value))
      throw new RelayError("usage", `Cannot run "${command.name()}": ${arg} wants a value, and ${value} follows it`, {
        next: `${command.name()} --help`,
      });
  }
}

function camelCase(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
