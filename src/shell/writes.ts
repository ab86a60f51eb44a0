import path from "node:path";
import { type ShellToken, type ShellWord, tokens } from "./lexer.ts";

/** A file that a shell command plainly writes. */
export interface Write {
  /** The file's path: absolute, or relative to the folder in which the command starts. */
  readonly path: string;
  /** If `path` is a folder: the known names of the files that are moved or copied into it. */
  readonly names?: readonly string[];
  /** The file is gone afterwards. */
  readonly removes?: true;
}

const MAX_PATH_CHARS = 4096; // no system opens a longer path
const BREAKS = [";", "&", "&&", "|", "||", "|&", "\n", "(", ")"];
const JOINS = ["&&", "||", "|", "|&"];
const LEADS = "then do else elif if while until ! { time sudo command builtin nohup exec env".split(" ");
const APART = ["sudo", "nohup", "exec", "env"]; // run programs only: a `cd` after them moves nothing
const OPENS = ["if", "while", "until", "for", "select", "{"];
const CLOSES = ["fi", "done", "}"];
const UNREADABLE = ["case", "function", "coproc"]; // what is in them may never run, or is not commands
const MOVES = ["cd", "pushd", "popd", "eval", "source", "."];

/**
 * What a POSIX shell command writes beyond doubt: redirections, `tee`, `sed -i`, `mv`, `cp`, `rm`, `apply_patch`. A
 * word with an expansion (variable, glob, substitution) is skipped, and so is a relative path after a `cd` to such a
 * word: nothing is guessed.
 */
export function plainWrites(command: string): Write[] {
  const found: Write[] = [];
  const outer: Where[] = [];
  let where = inSubshell(".");
  for (const simple of simpleCommands(tokens(command))) {
    const { targets, end } = simple;
    if (isEnd(simple, where) && outer.length === 0) break;
    const own = simple.name?.isPlain ? written(programOf(simple.name.text), simple) : [];
    for (const write of [...targets.map(({ text }) => ({ path: text })), ...own]) {
      const path = inFolder(where.folder, write.path);
      if (path !== undefined && !path.startsWith("/dev/")) found.push({ ...write, path });
    }
    where = afterwards(where, simple);
    if (end === "(") outer.push(where);
    if (end === "(") where = inSubshell(where.folder);
    if (end !== ")") continue;
    const before = outer.pop();
    if (before === undefined) break;
    where = { ...before, isFirst: false, join: "" };
  }
  return found;
}

/** Whether a command is an `exit` after which nothing is ever run. */
function isEnd({ leads, name, end }: Simple, { isFirst, around }: Where): boolean {
  return name?.text === "exit" && leads.length === 0 && isFirst && !around && [";", "\n", ""].includes(end);
}

/** The files that a patch in the form of `apply_patch` names. */
export function patchedFiles(text: string): { path: string }[] {
  if (!text.includes("*** Begin Patch")) return [];
  const heads = text.matchAll(/^\*\*\* (?:Update File|Add File|Delete File|Move to): (.+)$/gm);
  return [...heads].map(([, path = ""]) => ({ path: path.trim() }));
}

function inFolder(folder: string | undefined, path: string): string | undefined {
  if (path === "" || path === "-") return undefined;
  if (path.startsWith("/")) return path;
  if (folder === undefined || folder.length > MAX_PATH_CHARS) return undefined;
  return folder === "." ? path : `${folder}/${path}`;
}

/** Where the commands of a list (joined by `&&` and the like) run. A folder is undefined where that is not sure. */
interface Where {
  readonly folder: string | undefined;
  /** Where the list began. */
  readonly before: string | undefined;
  /** Where the command after the list will run. */
  readonly next: string | undefined;
  readonly isFirst: boolean;
  /** What joins the next command to the one before. */
  readonly join: string;
  /** The list around the loop, condition or group that holds this list. */
  readonly around?: Where | undefined;
}

function inSubshell(folder: string | undefined): Where {
  return { folder, before: folder, next: folder, isFirst: true, join: "" };
}

function opened(where: Where): Where {
  return { ...inSubshell(where.folder), around: where };
}

function closed({ folder, around }: Where): Where {
  if (around === undefined) return inSubshell(undefined);
  const stayed = folder === around.folder ? around : { ...around, folder: undefined, next: undefined };
  return { ...stayed, isFirst: false };
}

/** Where the next command runs. A `cd` counts as successful, unless something depends on that. */
function afterwards(where: Where, { leads, name, args, end }: Simple): Where {
  const own = [...leads, ...(name?.isBare ? [name] : [])].map(({ text }) => text);
  const count = (of: readonly string[]) => own.filter((word) => of.includes(word)).length;
  let list = where;
  for (const word of own) list = OPENS.includes(word) ? opened(list) : CLOSES.includes(word) ? closed(list) : list;
  let { folder, next } = list;
  if (MOVES.includes(name?.text ?? "") && count(APART) === 0 && !["|", "|&", "&"].includes(end)) {
    const to = name?.text === "cd" ? movedTo(folder, args) : undefined;
    const isSure = list.isFirst && !list.around && !own.includes("!");
    const isNeeded = end === "&&" && !list.join.startsWith("|") && !own.includes("!");
    folder = isNeeded || (isSure && end !== "||") ? to : undefined;
    next = isSure ? to : undefined;
  }
  if (JOINS.includes(end)) return { ...list, folder, next, isFirst: false, join: end };
  if (end === "(") return { ...list, folder, next };
  return { ...inSubshell(end === "&" ? list.before : next), around: list.around };
}

function movedTo(folder: string | undefined, args: readonly ShellWord[]): string | undefined {
  const [to, more] = args.filter(({ text }) => !["-P", "-L", "--"].includes(text));
  return to?.isPlain && more === undefined && !to.text.startsWith("-") ? inFolder(folder, to.text) : undefined;
}

function programOf(name: string): string {
  return name.replace(/^(\/usr)?\/bin\//, "");
}

/** The files that a command writes by its own arguments. */
function written(program: string, { args, document }: Simple): Write[] {
  switch (program) {
    case "tee":
      return listed(args, /^([aip]|--(append|ignore-interrupts|output-error))$/);
    case "rm":
      return removed(listed(args, /^([rRfidvI]|--(force|recursive|dir|verbose|interactive|one-file-system))$/));
    case "sed":
      return edited(args);
    case "mv":
    case "cp":
      return put(program, args);
    case "apply_patch":
      return patchedFiles(document ?? (args[0]?.isPlain ? args[0].text : ""));
    default:
      return [];
  }
}

function edited(args: readonly ShellWord[]): Write[] {
  const found = parsed(args, { valued: ["e", "f", "--expression", "--file", "--line-length"], suffixed: "i" });
  const has = (...names: readonly string[]) => names.some((name) => found?.options.has(name));
  if (!found || !has("i", "--in-place") || has("l", "I")) return [];
  if (has("e", "f", "--expression", "--file")) return plain(found.rest);
  const script = found.rest[0]?.text === "" ? 1 : 0; // BSD's -i wants a word of its own, which may be empty
  return found.rest[script]?.mayVanish ? [] : plain(found.rest.slice(script + 1));
}

const HARMLESS = /^(?![niu])\w$|^--(force|recursive|archive|verbose|preserve|backup|suffix|target-directory)$/;

function put(program: string, args: readonly ShellWord[]): Write[] {
  const found = parsed(args, { valued: ["t", "S", "--target-directory", "--suffix"] });
  if (!found || [...found.options.keys()].some((name) => !HARMLESS.test(name))) return [];
  const { options, rest } = found;
  const folder = options.get("t") ?? options.get("--target-directory");
  const to = folder ?? rest.at(-1);
  const from = folder ? rest : rest.slice(0, -1);
  if (!to || from.length === 0) return [];
  const names = plain(from).map(({ path }) => baseName(path));
  const put = options.has("T") ? { path: to.text } : { path: to.text, names };
  return [...(program === "mv" ? removed(plain(from)) : []), ...(to.isPlain ? [put] : [])];
}

/** All files that the arguments name, if every option is known to be harmless to that. */
function listed(args: readonly ShellWord[], harmless: RegExp): { path: string }[] {
  const found = parsed(args, {});
  return found && [...found.options.keys()].every((name) => harmless.test(name)) ? plain(found.rest) : [];
}

function removed(writes: readonly { path: string }[]): Write[] {
  return writes.map((write) => ({ ...write, removes: true }));
}

function plain(words: readonly ShellWord[]): { path: string }[] {
  return words.filter(({ isPlain }) => isPlain).map(({ text }) => ({ path: text }));
}

/** The name of a file in the folder that it is put into. */
function baseName(file: string): string {
  const name = path.posix.basename(file);
  return name === ".." ? "." : name;
}

interface Options {
  /** The options whose value may be the next word. */
  readonly valued?: readonly string[] | undefined;
  /** The letter of an option whose value, if it has one, stands right behind it. */
  readonly suffixed?: string | undefined;
}

/** A command's options with their values, by letter or long name, and its other words; undefined if not sure. */
function parsed(args: readonly ShellWord[], { valued = [], suffixed }: Options) {
  const options = new Map<string, ShellWord>();
  const rest: ShellWord[] = [];
  const words = args.values();
  for (const word of words) {
    if (word.text === "--") {
      for (const each of words) rest.push(each);
    } else if (!word.text.startsWith("-") || word.text === "-") {
      rest.push(word);
    } else {
      const { names, value } = named(word.text, (name) => valued.includes(name) || name === suffixed);
      const last = names.at(-1) ?? "";
      const isNext = value === "" && valued.includes(last);
      const given = isNext ? words.next().value : { ...word, text: value };
      if (given === undefined || (isNext && given.mayVanish)) return undefined;
      for (const name of names) options.set(name, given);
    }
  }
  return { options, rest };
}

/** The options that one word holds, up to the first that has a value, and that value. */
function named(
  word: string,
  isValued: (name: string) => boolean,
): { readonly names: string[]; readonly value: string } {
  if (word.startsWith("--")) {
    const [name = "", ...value] = word.split("=");
    return { names: [name], value: value.join("=") };
  }
  const letters = [...word.slice(1)];
  const end = letters.findIndex(isValued);
  return end < 0
    ? { names: letters, value: "" }
    : { names: letters.slice(0, end + 1), value: letters.slice(end + 1).join("") };
}

/** One command with nothing joined to it. */
interface Simple {
  /** The words before its name: the shell's own, variables that are set, and programs that run what follows. */
  readonly leads: readonly ShellWord[];
  readonly name?: ShellWord | undefined;
  readonly args: readonly ShellWord[];
  /** Where its output is redirected to. */
  readonly targets: readonly ShellWord[];
  /** The here-document that it reads. */
  readonly document?: string | undefined;
  /** What ended it. */
  readonly end: string;
}

/** The commands in a stream of tokens. Ends at syntax it cannot read: words after it may only look like commands. */
function* simpleCommands(all: Iterable<ShellToken>): Generator<Simple> {
  let words: ShellWord[] = [];
  let targets: ShellWord[] = [];
  let sign: string | undefined; // a redirection that still wants its word
  let before = ""; // the sign that ended the command before
  let isNamed = false;
  let isTest = false;
  const simple = () => {
    const start = words.findIndex((word) => !isLead(word));
    const [leads, rest] = start < 0 ? [words, []] : [words.slice(0, start), words.slice(start)];
    return { leads, name: rest[0], args: rest.slice(1), targets };
  };
  for (const token of all) {
    if (isTest) {
      isTest = !("word" in token && token.word.isBare && token.word.text === "]]");
    } else if ("word" in token) {
      const { word } = token;
      if (sign === undefined) {
        words.push(word);
        isTest = !isNamed && word.isBare && word.text === "[[";
        isNamed ||= !isLead(word);
      } else if (isWritten(sign, word)) targets.push(word);
      sign = undefined;
    } else if (!BREAKS.includes(token.sign)) {
      sign = token.sign;
    } else if (words.length === 0 && targets.length === 0 && before !== ")" && !"()".includes(token.sign)) {
      if (token.sign !== "\n") return; // a syntax error: nothing is run
    } else {
      const found = simple();
      const isGroup =
        found.name === undefined && targets.length === 0 && found.leads.every(({ text }) => LEADS.includes(text));
      if (token.sign === "(" && !isGroup) return; // a function, a list of values, or a pattern
      if (found.name?.isBare && UNREADABLE.includes(found.name.text)) return;
      yield { ...found, document: token.document, end: token.sign };
      [words, targets, sign, isNamed, before] = [[], [], undefined, false, token.sign];
    }
  }
  const last = simple();
  if (!(last.name?.isBare && UNREADABLE.includes(last.name.text))) yield { ...last, end: "" };
}

function isLead({ text, isBare }: ShellWord): boolean {
  return LEADS.includes(text) ? isBare : /^[A-Za-z_]\w*\+?=/.test(text);
}

function isWritten(sign: string, { text, isPlain }: ShellWord): boolean {
  if (sign === ">&" && /^(\d+-?|-)$/.test(text)) return false; // a copy of an open output, and no file
  return isPlain && ["&>", "&>>", ">", ">>", ">|", ">&"].includes(sign);
}
