/** A word of a shell command. */
export interface ShellWord {
  readonly text: string;
  /** The shell expands nothing in it: the text is literal. */
  readonly isPlain: boolean;
  /** No part of it is quoted: it may be one of the shell's keywords. */
  readonly isBare: boolean;
  /** It may expand to no word at all, as an empty, unquoted variable does. */
  readonly mayVanish: boolean;
}

/** The sign that ends a line carries the here-document that began in that line, the last one if there are several. */
export type ShellToken =
  | { readonly word: ShellWord }
  | { readonly sign: string; readonly document?: string | undefined };

const SIGN = /&>>?|&&|<<[<-]?|<[&>]|>[>|&]|\|[|&]|[<>;&|()\n]/y;
const ENDS_WORD = " \t\n;&|()<>";
const MAX_DEPTH = 50; // of nested substitutions; nobody means to write more

/** The words and signs of a POSIX shell command, as bash reads it; comments are left out. */
export function* tokens(command: string): Generator<ShellToken> {
  const scanner = new Scanner(command.replaceAll("\r\n", "\n"));
  for (let token = scanner.next(); token !== undefined; token = scanner.next()) yield token;
}

/** Scans a command once. A scanner that gets lost, as in a quote without an end, jumps to the command's end. */
class Scanner {
  readonly #command: string;
  readonly #documents: { readonly delimiter: ShellWord; readonly isIndented: boolean }[] = [];
  #at = 0;
  #depth = 0;
  #wanted: string | undefined; // `<<` or `<<-`, whose delimiter comes next

  constructor(command: string) {
    this.#command = command;
  }

  next(): ShellToken | undefined {
    for (;;) {
      while (this.#skip(/[ \t]+|\\\n|#[^\n]*/y));
      if (this.#at >= this.#command.length) return undefined;
      const begin = this.#at;
      if (!this.#isWordHere() && this.#skip(SIGN)) {
        const sign = this.#command.slice(begin, this.#at);
        this.#wanted = sign.startsWith("<<") && sign !== "<<<" ? sign : undefined;
        return sign === "\n" ? { sign, document: this.#afterDocuments() } : { sign };
      }
      const wanted = this.#wanted;
      this.#wanted = undefined;
      const word = this.#word();
      if (wanted !== undefined) this.#documents.push({ delimiter: word, isIndented: wanted === "<<-" });
      const isOutput = word.isBare && /^\d+$/.test(word.text) && /[<>]/.test(this.#command[this.#at] ?? "");
      if (!isOutput) return { word }; // else a number that says which output is redirected
    }
  }

  /** Whether a word begins here, though with a sign: arithmetic `((`, or a process substitution `<(` or `>(`. */
  #isWordHere(): boolean {
    return this.#command[this.#at + 1] === "(" && "(<>".includes(this.#here() || " ");
  }

  #word(): ShellWord {
    const found = { text: "", isPlain: true, isBare: true, mayVanish: false };
    const begin = this.#at;
    if (this.#isWordHere()) {
      found.isPlain = false;
      if (this.#command[this.#at] === "(") this.#skipArithmetic();
      else this.#skipSubstitution(2);
    }
    for (let char = this.#here(); char !== "" && !ENDS_WORD.includes(char); char = this.#here()) {
      const from = this.#at++;
      if (char === "\\") {
        const next = this.#command[this.#at++] ?? "";
        if (next !== "\n") found.text += next;
        if (next !== "\n") found.isBare = false;
      } else if (char === "'") {
        found.text += this.#upTo("'");
        found.isBare = false;
      } else if (char === '"') {
        const { text, isPlain } = this.#quoted();
        found.text += text;
        found.isBare = false;
        found.isPlain &&= isPlain;
      } else if (char === "$" || char === "`") {
        this.#at = from;
        found.mayVanish ||= !this.#command.startsWith("$'", from) && !this.#command.startsWith('$"', from);
        this.#skipExpansion();
        found.text += this.#command.slice(from, this.#at);
        found.isPlain = false;
      } else {
        if ("*?[{".includes(char) || (char === "~" && from === begin)) found.isPlain = false;
        found.text += char;
      }
    }
    if (this.#at > this.#command.length) found.isPlain = false; // cut off
    return found;
  }

  /** The text in double quotes. The scanner is behind the first of them. */
  #quoted(): { readonly text: string; readonly isPlain: boolean } {
    let text = "";
    let isPlain = true;
    for (let char = this.#here(); char !== '"'; char = this.#here()) {
      if (char === "") return { text, isPlain: this.#giveUp() };
      const from = this.#at++;
      if (char === "\\") {
        const next = this.#command[this.#at++] ?? "";
        text += next === "\n" ? "" : '$`"\\'.includes(next) ? next : char + next;
      } else if (char === "$" || char === "`") {
        this.#at = from;
        this.#skipExpansion(true);
        isPlain = false;
      } else text += char;
    }
    this.#at++;
    return { text, isPlain };
  }

  /** Skips an expansion: `$...` or backticks. */
  #skipExpansion(isQuoted = false): void {
    const [first, second] = [this.#here(), this.#command[this.#at + 1] ?? ""];
    this.#at++;
    if (first === "`") this.#skipTo(/(?:[^`\\]|\\[\s\S])/y, "`");
    else if (second === "{") this.#skipBraces(isQuoted);
    else if (second === "[") this.#skipTo(/[^\]]/y, "]");
    else if (second === "'" && !isQuoted) {
      this.#at++;
      this.#skipTo(/(?:[^'\\]|\\[\s\S])/y, "'");
    } else if (this.#command.startsWith("((", this.#at)) this.#skipArithmetic();
    else if (second === "(") this.#skipSubstitution(1);
  }

  /** Skips a substitution with its `)`; the sign that begins it has `length` characters. */
  #skipSubstitution(length: number): void {
    this.#at += length;
    if (++this.#depth > MAX_DEPTH) this.#giveUp();
    for (let open = 1; open > 0; ) {
      const token = this.next();
      if (token === undefined) this.#giveUp();
      if (token === undefined) break;
      if ("word" in token) {
        if (token.word.isBare && token.word.text === "case") this.#giveUp(); // its patterns have a `)` of their own
      } else open += token.sign === "(" ? 1 : token.sign === ")" ? -1 : 0;
    }
    this.#depth--;
  }

  #skipBraces(isQuoted: boolean): void {
    this.#at++;
    if (++this.#depth > MAX_DEPTH) this.#giveUp();
    for (let char = this.#here(); char !== "}"; char = this.#here()) {
      if (char === "") this.#giveUp();
      if (char === "") break;
      if (char === "$" || char === "`") {
        this.#skipExpansion(isQuoted);
        continue;
      }
      this.#at += char === "\\" ? 2 : 1;
      if (char === '"') this.#quoted();
      if (char === "'" && !isQuoted) this.#upTo("'");
    }
    this.#at++;
    this.#depth--;
  }

  /** Skips `((...))`. */
  #skipArithmetic(): void {
    for (let open = 0; ; ) {
      const char = this.#here();
      if (char === "" || "'\"`\\".includes(char)) this.#giveUp(); // it is no arithmetic, or not worth reading
      if (char === "" || "'\"`\\".includes(char)) return;
      this.#at++;
      open += char === "(" ? 1 : char === ")" ? -1 : 0;
      if (open === 0) return;
    }
  }

  /** Returns the text before `mark`, and skips both. */
  #upTo(mark: string): string {
    const end = this.#command.indexOf(mark, this.#at);
    const text = this.#command.slice(this.#at, end < 0 ? undefined : end);
    if (end < 0) this.#giveUp();
    else this.#at = end + 1;
    return text;
  }

  /** Skips all matches of `each`, one at a time, and the `mark` after them. */
  #skipTo(each: RegExp, mark: string): void {
    while (this.#skip(each));
    if (this.#here() === mark) this.#at++;
    else this.#giveUp();
  }

  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#command)) return false;
    const isMoved = pattern.lastIndex > this.#at;
    this.#at = pattern.lastIndex;
    return isMoved;
  }

  #here(): string {
    return this.#command[this.#at] ?? "";
  }

  /** Jumps beyond the end: the scanner is lost. Returns false, for `isPlain`. */
  #giveUp(): false {
    this.#at = this.#command.length + 1;
    return false;
  }

  /** Skips the here-documents that begin here. Returns the last one. */
  #afterDocuments(): string | undefined {
    let last: string | undefined;
    for (const { delimiter, isIndented } of this.#documents.splice(0)) {
      const from = this.#at;
      let isJoined = false; // to the line before, by a backslash
      for (let isOver = false; !isOver && this.#at < this.#command.length; ) {
        const begin = this.#at;
        const end = this.#command.indexOf("\n", begin);
        const line = this.#command.slice(begin, end < 0 ? undefined : end);
        this.#at = end < 0 ? this.#command.length : end + 1;
        isOver = !isJoined && (isIndented ? line.replace(/^\t+/, "") : line) === delimiter.text;
        isJoined = delimiter.isBare && endsInBackslash(line);
        if (isOver) last = this.#command.slice(from, begin);
      }
    }
    return last;
  }
}

/** Whether a line ends in a backslash that no other backslash escapes. */
function endsInBackslash(line: string): boolean {
  let count = 0;
  while (line[line.length - 1 - count] === "\\") count++;
  return count % 2 === 1;
}
