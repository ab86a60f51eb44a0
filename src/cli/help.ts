import type { Command, CommanderError } from "commander";
import { distance } from "../agents/edit-distance.ts";
import { RelayError } from "../errors.ts";
import { quoted } from "../shell/quote.ts";
import { asTyped, beginning } from "../text.ts";
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
  /** For a verb that takes no words: the flag that a word was meant for, with it. */
  readonly forWord?: ((word: string) => string) | undefined;
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
    if (error.exitCode !== 0) throw misuse(error, command, args, verb);
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

function misuse(error: CommanderError, command: Command, args: readonly string[], verb: Described): RelayError {
  const name = command.name();
  const wrong = choiceIn(error.message);
  if (wrong) return notAChoice(wrong, name, args);
  const stray = error.code === "commander.excessArguments" ? strayWord(command, args) : undefined;
  if (stray !== undefined && verb.forWord)
    return new RelayError("usage", `Cannot run "${name}" with ${asTyped(stray, 80)}: it takes no words`, {
      next: `${name} ${verb.forWord(quoted(stray))}`,
    });
  const usual = error.code === "commander.unknownOption" ? asUsual(command, args, verb.flags) : undefined;
  const says = withoutFarHint(error.message.replace(/^error: /, "").replace(/\n/g, " "));
  const text = error.code === "commander.unknownOption" ? args.findIndex((arg) => /^- ?[^-]*\s/.test(arg)) : -1;
  const next = usual ?? (text < 0 ? `${name} --help${orAsText(error, command, args)}` : withTextLast(name, args, text));
  return new RelayError("usage", `Cannot run "${name}": ${says}`, { next });
}

/** The letters that other programs have for these. */
const USUAL: Readonly<Record<string, string>> = { "-n": "--limit", "-f": "--follow", "-m": "--message" };

/** The same command with its flag for a letter that other programs have. */
function asUsual(command: Command, args: readonly string[], flags: FlagTable): string | undefined {
  const letter = args.find((arg) => Object.hasOwn(USUAL, arg)) ?? "";
  const known = Object.keys(flags).some((flag) => new RegExp(`(?:^|, )${USUAL[letter]}\\b`).test(flag));
  if (!known) return undefined;
  return [command.name(), ...args.map((arg) => (arg === letter ? (USUAL[letter] ?? arg) : quoted(arg)))].join(" ");
}

interface Wrong {
  readonly value: string;
  /** The flag, or the word's name. */
  readonly place: string;
  readonly choices: readonly string[];
}

/** The value that is none of those that its flag or word may have, out of the library's sentence. */
function choiceIn(message: string): Wrong | undefined {
  const flag = /option '(?:-\w, )?(--[\w-]+)[^']*' argument '([\s\S]*)' is invalid\. Allowed choices are (.*)\.$/.exec(
    message,
  );
  if (flag) return { place: flag[1] ?? "", value: flag[2] ?? "", choices: (flag[3] ?? "").split(", ") };
  const word = /argument value '([\s\S]*)' is invalid for argument '(.*)'\. Allowed choices are (.*)\.$/.exec(message);
  return word ? { place: word[2] ?? "", value: word[1] ?? "", choices: (word[3] ?? "").split(", ") } : undefined;
}

function notAChoice({ value, place, choices }: Wrong, name: string, args: readonly string[]): RelayError {
  const near = choices.filter((choice) => isNear(choice, value));
  const [only] = near.length === 1 ? near : [];
  const hint = only === undefined ? "" : `; did you mean ${only}?`;
  const mended = args.map((arg) => (arg === value ? (only ?? "") : arg.replace(`=${value}`, `=${only}`)));
  return new RelayError("usage", `Cannot use ${asTyped(value, 80)} as ${place}: it is ${oneOf(choices)}${hint}`, {
    next: only === undefined ? `${name} --help` : [name, ...mended.map(quoted)].join(" "),
  });
}

function oneOf(choices: readonly string[]): string {
  return choices.length === 1 ? `${choices[0]}` : `one of ${choices.join(", ")}`;
}

/** The first word that the verb has no place for. */
function strayWord(command: Command, args: readonly string[]): string | undefined {
  const words = command.args.length > 0 ? command.args : args.filter((arg) => !arg.startsWith("-"));
  return words[command.registeredArguments.length];
}

/** The library's guess at what was meant, unless it is a guess at anything. */
function withoutFarHint(says: string): string {
  const [, word = "", guess = ""] = /'(-*[^']*)' \(Did you mean (\S+)\?\)$/.exec(says) ?? [];
  return guess === "" || isNear(guess, word) ? says : says.replace(/ \(Did you mean .*\)$/, "");
}

/** Whether two words differ in a third of their letters at most: of a short one almost anything is two letters away. */
function isNear(one: string, other: string): boolean {
  const [a, b] = [one, other].map((word) => word.replace(/^-+/, "").toLowerCase());
  return distance(a ?? "", b ?? "") <= Math.floor(Math.max(one.length, other.length) / 3);
}

/** How a word that begins with a dash is given as text, for a verb that takes one. */
function orAsText(error: CommanderError, command: Command, args: readonly string[]): string {
  const at = args.findIndex((arg) => arg.startsWith("-") && error.message.includes(`'${arg}'`));
  const takesText = command.registeredArguments.some(({ variadic }) => variadic);
  const isFlag = /^-[a-z]$/i.test(args[at] ?? "");
  if (
    error.code !== "commander.unknownOption" ||
    !takesText ||
    at < 0 ||
    isFlag ||
    error.message.includes("Did you mean")
  )
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
