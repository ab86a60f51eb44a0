/** A file that a shell command plainly writes. */
export interface Write {
  /** As the command says it, by the folder that it is in then: relative to where it starts, or absolute. */
  readonly path: string;
  /** What lies in it afterwards if it is a folder: the names that are moved or copied there. */
  readonly names?: readonly string[];
}

interface Word {
  readonly text: string;
  /** Nothing in it is expanded: it is what it says. */
  readonly isPlain: boolean;
}
type Token = { readonly word: Word } | { readonly sign: string };

const BREAKS = [";", "&", "&&", "|", "||", "|&", "\n", "(", ")"];
const LEADS = ["then", "do", "else", "elif", "if", "while", "until", "!", "{", "time"];

/**
 * What a POSIX shell command writes beyond doubt: redirections, `tee`, `sed -i`, `mv`, `cp`, `rm`. What is expanded
 * (variables, globs, substitutions), and what follows a `cd` to such, is passed over: nothing here is guessed.
 */
export function plainWrites(command: string): Write[] {
  const found: Write[] = [];
  const folders: (string | undefined)[] = [];
  let folder: string | undefined = ".";
  for (const { words, targets, end } of simpleCommands(tokens(command))) {
    const [name, ...args] = words.slice(words.findIndex((word) => !isLead(word)));
    const own = name?.isPlain ? written(name.text, args) : [];
    for (const write of [...targets.map(({ text }) => ({ path: text })), ...own]) {
      const path = inFolder(folder, write.path);
      if (path !== undefined) found.push({ ...write, path });
    }
    if (name?.text === "cd" && end !== "|") folder = args[0]?.isPlain ? inFolder(folder, args[0].text) : undefined;
    if (end === "(") folders.push(folder);
    if (end === ")") folder = folders.pop() ?? folder;
  }
  return found;
}

function isLead({ text }: Word): boolean {
  return LEADS.includes(text) || /^[A-Za-z_]\w*=/.test(text);
}

function inFolder(folder: string | undefined, path: string): string | undefined {
  if (path === "" || path === "-") return undefined;
  if (path.startsWith("/")) return path;
  return folder === undefined ? undefined : folder === "." ? path : `${folder}/${path}`;
}

/** The files that a command writes by its own arguments. */
function written(command: string, args: readonly Word[]): Write[] {
  const options = args.filter(({ text }, index) => isOption(text) && !isAfterDashes(args, index));
  const rest = args.filter((word, index) => word.text !== "--" && (!isOption(word.text) || isAfterDashes(args, index)));
  const has = (pattern: RegExp) => options.some(({ text }) => pattern.test(text));
  const plain = rest.filter(({ isPlain }) => isPlain).map(({ text }) => ({ path: text }));
  if (command === "tee") return plain;
  if (command === "rm") return plain;
  if (command === "sed") {
    if (!has(/^(-[nErsz]*i|--in-place)/)) return [];
    const isScriptGiven = has(/^(-[nErsz]*[ef]|--expression|--file)/);
    if (isScriptGiven) return []; // which of the words are files depends on how the options were written
    return rest
      .slice(1)
      .filter(({ isPlain }) => isPlain)
      .map(({ text }) => ({ path: text }));
  }
  if (command !== "mv" && command !== "cp") return [];
  if (has(/^(-[a-zA-Z]*[tS]|--target-directory|--suffix)/)) return [];
  const to = rest.at(-1);
  const from = rest.slice(0, -1);
  if (!to || from.length === 0) return [];
  const names = from.filter(({ isPlain }) => isPlain).map(({ text }) => baseName(text));
  const moved = command === "mv" ? from.filter(({ isPlain }) => isPlain).map(({ text }) => ({ path: text })) : [];
  return [...moved, ...(to.isPlain ? [{ path: to.text, names }] : [])];
}

function isOption(text: string): boolean {
  return text.startsWith("-") && text !== "-";
}

function isAfterDashes(args: readonly Word[], index: number): boolean {
  const dashes = args.findIndex(({ text }) => text === "--");
  return dashes >= 0 && dashes < index;
}

function baseName(path: string): string {
  return path.replace(/\/+$/, "").replace(/^.*\//, "");
}

/** One command with nothing joined to it. */
interface Simple {
  readonly words: Word[];
  /** Where its output is redirected to. */
  readonly targets: Word[];
  /** What ended it. */
  readonly end: string;
}

function* simpleCommands(all: Iterable<Token>): Generator<Simple> {
  let words: Word[] = [];
  let targets: Word[] = [];
  let sign: string | undefined; // a redirection that still wants its word
  for (const token of all) {
    if ("word" in token) {
      if (sign === undefined) words.push(token.word);
      else if (/^(&?>>?|>\|)$/.test(sign) && token.word.isPlain) targets.push(token.word);
      sign = undefined;
    } else if (BREAKS.includes(token.sign)) {
      yield { words, targets, end: token.sign };
      [words, targets, sign] = [[], [], undefined];
    } else sign = token.sign;
  }
  yield { words, targets, end: "" };
}

const SIGNS = [
  "&>>",
  "<<<",
  "<<-",
  "&>",
  ">>",
  ">|",
  ">&",
  "<<",
  "<&",
  "<>",
  "&&",
  "||",
  "|&",
  ">",
  "<",
  ";",
  "&",
  "|",
  "(",
  ")",
  "\n",
];

/** The words and signs of a command; comments and here-documents are left out. */
function tokens(command: string): Token[] {
  const found: Token[] = [];
  const documents: string[] = [];
  let at = 0;
  while (at < command.length) {
    const rest = command.slice(at);
    const blank = /^([ \t\r]|\\\n)+/.exec(rest)?.[0];
    if (blank) {
      at += blank.length;
      continue;
    }
    if (rest.startsWith("#")) {
      at += /^[^\n]*/.exec(rest)?.[0].length ?? 0;
      continue;
    }
    const sign = SIGNS.find((each) => rest.startsWith(each));
    if (sign === "\n" && documents.length > 0) {
      at = afterDocuments(command, at + 1, documents.splice(0));
      found.push({ sign });
      continue;
    }
    if (sign !== undefined) {
      at += sign.length;
      found.push({ sign });
      continue;
    }
    const { word, length } = wordAt(rest);
    const before = found.at(-1);
    if (before && "sign" in before && /^<<-?$/.test(before.sign)) documents.push(word.text);
    at += length;
    // A number right before a redirection says which output is meant.
    if (!(/^\d+$/.test(word.text) && /^[<>]/.test(command.slice(at)))) found.push({ word });
  }
  return found;
}

/** Where the here-documents that begin at `at` are over. */
function afterDocuments(command: string, at: number, delimiters: readonly string[]): number {
  let end = at;
  for (const delimiter of delimiters)
    for (let line: string | undefined; line !== delimiter && end < command.length; ) {
      const next = command.indexOf("\n", end);
      line = command.slice(end, next < 0 ? undefined : next).trim();
      end = next < 0 ? command.length : next + 1;
    }
  return end;
}

function wordAt(rest: string): { word: Word; length: number } {
  let text = "";
  let isPlain = true;
  let at = 0;
  for (; at < rest.length; at++) {
    const char = rest[at] ?? "";
    if (/[\s<>;&|()]/.test(char)) break;
    if (char === "\\") text += rest[++at] ?? "";
    else if (char === "'") {
      const end = rest.indexOf("'", at + 1);
      if (end < 0) return { word: { text, isPlain: false }, length: rest.length };
      text += rest.slice(at + 1, end);
      at = end;
    } else if (char === '"') {
      const quoted = /^"((?:[^"\\]|\\[\s\S])*)"/.exec(rest.slice(at));
      if (!quoted) return { word: { text, isPlain: false }, length: rest.length };
      if (/[$`]/.test(quoted[1] ?? "")) isPlain = false;
      text += (quoted[1] ?? "").replace(/\\(["\\])/g, "$1");
      at += quoted[0].length - 1;
    } else {
      if (/[$`*?[{~]/.test(char)) isPlain = false;
      text += char;
    }
  }
  return { word: { text, isPlain }, length: Math.max(1, at) };
}
