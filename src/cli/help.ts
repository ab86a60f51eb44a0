import type { Command, CommanderError } from "commander";
import { RelayError } from "../errors.ts";
import { quoted } from "../shell/quote.ts";
import { asTyped, beginning } from "../text.ts";
import { type Explained, explained, type FlagTable, oddity, type WordTable } from "./flag-table.ts";
import { isNear, nameOf, partMeant, withRest } from "./meant.ts";

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
  if (error.code === "commander.excessArguments") return tooMany(command, args, verb);
  if (error.code === "commander.unknownCommand") return noSuchPart(command, args, verb);
  const unknown = error.code === "commander.unknownOption" ? unknownFlag(error, command, args, verb) : undefined;
  if (unknown) return unknown;
  const says = error.message.replace(/^error: /, "").replace(/\n/g, " ");
  return new RelayError("usage", `Cannot run "${name}": ${says}`, { next: `${name} --help` });
}

/** A word that the verb has no place for. */
function tooMany(command: Command, args: readonly string[], { forWord }: Described): RelayError {
  const name = command.name();
  const places = command.registeredArguments.length;
  const words = command.args.length > 0 ? command.args : args.filter((arg) => !arg.startsWith("-"));
  const stray = words[places] ?? "";
  const takes = places === 0 ? "no words" : places === 1 ? "one word" : `${places} words`;
  return new RelayError("usage", `Cannot run "${name}" with ${asTyped(stray, 80)}: it takes ${takes}`, {
    next: `${name} ${forWord?.(quoted(stray)) ?? "--help"}`,
  });
}

/** A word that is none of a verb's own verbs. */
function noSuchPart(command: Command, args: readonly string[], { parts }: Described): RelayError {
  const name = command.name();
  const word = args.find((arg) => !arg.startsWith("-")) ?? "";
  const { only, near } = partMeant(
    word,
    parts.map((part) => part.name.replace(/^.* /, "")),
  );
  const hint = only === undefined ? near.join(" or ") : nameOf(only);
  const rest = args.filter((arg) => arg !== word);
  return new RelayError(
    "usage",
    `Cannot run "${name}" with ${asTyped(word, 80)}: it has no such part${hint === "" ? "" : `; did you mean ${hint}?`}`,
    { next: only === undefined ? `${name} --help` : `${name} ${withRest(only, rest)}` },
  );
}

/** A flag that there is not: the one that was meant, or a text that begins with a dash. */
function unknownFlag(
  error: CommanderError,
  command: Command,
  args: readonly string[],
  { flags }: Described,
): RelayError {
  const name = command.name();
  const usual = asUsual(command, args, flags);
  const text = args.findIndex((arg) => /^- ?[^-]*\s/.test(arg));
  const [, typed = ""] = /'([^']*)'/.exec(error.message) ?? [];
  const all = command.options.map(({ long }) => long ?? "");
  const begun = all.filter((long) => typed.length > 3 && long.startsWith(typed));
  const near = begun.length > 0 ? begun : all.filter((long) => isNear(long, typed));
  const only = near.length === 1 ? near[0] : undefined;
  const mended =
    only === undefined
      ? undefined
      : [name, ...args.map((arg) => (arg.split("=")[0] === typed ? arg.replace(typed, only) : quoted(arg)))];
  const next =
    usual ??
    mended?.join(" ") ??
    (text < 0 ? `${name} --help${orAsText(error, command, args)}` : withTextLast(name, args, text));
  const hint = near.length === 0 || usual !== undefined ? "" : `; did you mean ${near.join(" or ")}?`;
  return new RelayError("usage", `Cannot run "${name}": unknown option '${typed}'${hint}`, { next });
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

/** How a word that begins with a dash is given as text, for a verb that takes one. */
function orAsText(error: CommanderError, command: Command, args: readonly string[]): string {
  const at = args.findIndex((arg) => arg.startsWith("-") && error.message.includes(`'${arg}'`));
  const takesText = command.registeredArguments.some((word) => word.variadic && /^(?:text|line)$/.test(word.name()));
  const isFlag = /^-[a-z]$|^--[a-z][a-z-]*$/i.test(args[at] ?? "");
  if (!takesText || at < 0 || isFlag) return "";
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
