import type { Command, CommanderError } from "commander";
import { RelayError } from "../errors.ts";
import { quoted } from "../shell/quote.ts";
import { beginning } from "../text.ts";
import { type Explained, explained, type FlagTable, oddity, type WordTable } from "./flag-table.ts";

// Help and what is wrong with arguments are said by a library, made from a verb's tables, and loaded for these alone.

type Commander = typeof import("commander");

/** A verb as help shows it. */
export interface Described {
  readonly name: string;
  /** What it does: the beginning of its help. */
  readonly about: string;
  readonly flags: FlagTable;
  readonly words: WordTable;
  /** The end of its help: an example, and before it what else is to know. */
  readonly example?: string | undefined;
  readonly note?: string | undefined;
  /** Verbs of its own. */
  readonly parts: readonly Described[];
  /** Without it, one of its parts has to be given. */
  readonly run?: unknown;
}

/** The help that arguments ask for; undefined if nothing is wrong with them. Throws `usage`. */
export async function helpFor(verb: Described, args: readonly string[]): Promise<string | undefined> {
  const library = await import("commander");
  const command = commandFor(library, verb);
  let help = "";
  for (const each of [command, ...command.commands])
    each.exitOverride().configureOutput({ writeOut: (text) => (help += text), writeErr: () => {} });
  const odd = oddity(args, verb.flags);
  if (odd !== undefined)
    throw new RelayError("usage", `Cannot run "${verb.name}": ${odd}`, { next: `${verb.name} --help` });
  try {
    command.parse([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof library.CommanderError)) throw error;
    if (error.code === "commander.help") return command.helpInformation();
    if (error.exitCode !== 0) throw misuse(error, command, args);
    return help;
  }
  return undefined;
}

function commandFor(library: Commander, { name, about, flags, words, example, note, parts, run }: Described): Command {
  const command = new library.Command(name).description(about).allowExcessArguments(false);
  for (const [text, said] of Object.entries(words)) command.addArgument(argument(library, text, explained(said)));
  for (const [text, said] of Object.entries(flags)) command.addOption(option(library, text, explained(said)));
  for (const part of parts) command.addCommand(commandFor(library, part));
  if (run !== undefined) command.action(() => {});
  const notes = [note && wrapped(note), example && `Example: ${example}`].filter((text) => text !== undefined);
  return notes.length > 0 ? command.addHelpText("after", `\n${notes.join("\n")}`) : command;
}

const WIDTH = 80;

function wrapped(text: string): string {
  return text
    .replace(new RegExp(`(.{1,${WIDTH}})(?: |$)`, "gm"), "$1\n")
    .replace(/\n\n/g, "\n")
    .trimEnd();
}

function argument({ Argument }: Commander, text: string, { about, choices }: Explained) {
  const made = new Argument(text, about);
  return choices ? made.choices(choices) : made;
}

function option({ Option }: Commander, text: string, { about, choices, isRepeatable }: Explained) {
  const made = new Option(text, about);
  if (choices) made.choices(choices);
  return isRepeatable && !choices ? made.argParser((word) => word) : made;
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
