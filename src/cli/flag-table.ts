import util from "node:util";

// A verb's flags and words are written once, as help shows them. From that come their types, what is parsed, and the help.

/** What help says of a flag or word, and what else is known of it. */
export interface Explained {
  readonly about: string;
  /** The only values that it can have. */
  readonly choices?: readonly string[];
  /** Its value, which may be left away, is a length of time: another word that follows is none of its. */
  readonly isTime?: true;
  /** It may be given several times, each time with one value. */
  readonly isRepeatable?: true;
}

/**
 * Flags, by how help writes them: `--all` stands alone, `-t, --to <who>` has a value, `--wait [time]` may have one, and
 * `--file <path...>` has all the words up to the next flag.
 */
export type FlagTable = Readonly<Record<`-${string}`, string | Explained>>;

/** The words of a verb that are no flags, in order: `<id>` has to be there, `[file]` may be, `[text...]` is any number. */
export type WordTable = Readonly<Record<`<${string}>` | `[${string}]`, string | Explained>>;

type Camel<Name> = Name extends `${infer First}-${infer Rest}` ? `${First}${Capitalize<Camel<Rest>>}` : Name;
type Long<Text> = Text extends `-${string}, --${infer Rest}` ? Rest : Text extends `--${infer Rest}` ? Rest : never;
type NameOfFlag<Text> = Long<Text> extends `${infer Name} ${string}` ? Camel<Name> : Camel<Long<Text>>;
type Choice<Said> = Said extends { readonly choices: readonly (infer One)[] } ? One : string;
type ValueOfFlag<Text, Said> = Text extends `${string}...>`
  ? Choice<Said>[]
  : Text extends `${string}>`
    ? Said extends { readonly isRepeatable: true }
      ? Choice<Said>[]
      : Choice<Said>
    : Text extends `${string}]`
      ? Choice<Said> | true
      : true;

/** A table's flags as the verb gets them: in camelCase, undefined where they were not given. */
export type FlagsOf<Table> = {
  readonly [Text in keyof Table as NameOfFlag<Text> & string]?: ValueOfFlag<Text, Table[Text]> | undefined;
};

type NameOfWord<Text> = Text extends `${string}${"<" | "["}${infer Name}...${string}`
  ? Camel<Name>
  : Text extends `${"<" | "["}${infer Name}${">" | "]"}`
    ? Camel<Name>
    : never;
type ValueOfWord<Text, Said> = Text extends `${string}...${string}`
  ? Choice<Said>[]
  : Text extends `<${string}`
    ? Choice<Said>
    : Choice<Said> | undefined;

/** A table's words as the verb gets them. */
export type WordsOf<Table> = {
  readonly [Text in keyof Table as NameOfWord<Text> & string]: ValueOfWord<Text, Table[Text]>;
};

interface Flag {
  readonly long: string;
  readonly short: string | undefined;
  readonly takes: "nothing" | "one" | "one if it follows" | "all that follow";
  readonly isList: boolean;
  readonly isTime: boolean;
  readonly choices: readonly string[] | undefined;
}

interface Word {
  readonly name: string;
  readonly isNeeded: boolean;
  readonly isList: boolean;
  readonly choices: readonly string[] | undefined;
}

type Values = Record<string, string | true | string[] | undefined>;

/** What is said of a flag or word, in the long form. */
export function explained(said: string | Explained): Explained {
  return typeof said === "string" ? { about: said } : said;
}

function readFlag([text, said]: readonly [string, string | Explained]): Flag {
  const [, short, long = "", value = ""] = /^(?:-(\w), )?--([\w-]+) ?(.*)$/.exec(text) ?? [];
  const isMany = value.endsWith("...>");
  const takes = isMany
    ? "all that follow"
    : value === ""
      ? "nothing"
      : value.startsWith("<")
        ? "one"
        : "one if it follows";
  const { choices, isRepeatable = false, isTime = false } = explained(said);
  return { long, short, takes, isList: isMany || isRepeatable, isTime, choices };
}

function readWord([text, said]: readonly [string, string | Explained]): Word {
  const name = camelCase(text.replace(/^[<[]|(\.\.\.)?[>\]]$/g, ""));
  const { choices } = explained(said);
  return { name, isNeeded: text.startsWith("<"), isList: text.includes("..."), choices };
}

const TIME = /^[\d.]+[a-z]*$/; // or one written wrongly

/**
 * The flags and words that arguments give; undefined if they are not what the tables say, or ask for help: who tells a
 * person of that looks again.
 */
export function parse(
  args: readonly string[],
  flagTable: FlagTable,
  wordTable: WordTable,
): { readonly flags: Values; readonly words: Values } | undefined {
  const table = Object.entries(flagTable).map(readFlag);
  const flags: Values = {};
  const given: string[] = [];
  let taking: Flag | undefined;
  for (const token of tokensOf(args, table)) {
    if (token.kind === "option-terminator") {
      if (args[token.index] !== "--") return undefined; // a dash among short flags
      taking = undefined;
    } else if (token.kind === "positional") {
      if (!taking || (taking.isTime && !TIME.test(token.value))) given.push(token.value);
      else if (!put(flags, taking, token.value)) return undefined;
      if (taking?.takes !== "all that follow") taking = undefined;
    } else {
      const flag = table.find(({ long }) => long === token.name);
      const { value, inlineValue: isInline = false } = token;
      if (!flag || !isValue(value, flag) || (!isInline && isFlag(value, table))) return undefined;
      if (!put(flags, flag, value ?? true)) return undefined;
      taking = isInline || flag.takes === "nothing" || flag.takes === "one" ? undefined : flag;
    }
  }
  const words = assigned(given, Object.entries(wordTable).map(readWord));
  return words && { flags, words };
}

/**
 * What is wrong with arguments that a more lenient reader takes: a dash among short flags, or a flag as the value of
 * another. An empty variable in a script makes that, never on purpose. An unknown flag is not looked beyond.
 */
export function oddity(args: readonly string[], flagTable: FlagTable): string | undefined {
  const table = Object.entries(flagTable).map(readFlag);
  for (const token of tokensOf(args, table)) {
    const arg = args[token.index] ?? "";
    if (token.kind === "option-terminator" && arg !== "--") return `unknown option '${arg}'`;
    if (token.kind !== "option") continue;
    if (!table.some(({ long }) => long === token.name)) return undefined;
    if (token.inlineValue === false && isFlag(token.value, table))
      return `${token.rawName} wants a value, and ${token.value} follows it`;
  }
  return undefined;
}

/** A negative number is a word, as it is in `help.ts`: it is read behind a character that no argument can have. */
function tokensOf(args: readonly string[], table: readonly Flag[]) {
  const options = Object.fromEntries(
    table.map(({ long, short, takes }) => {
      const type: "string" | "boolean" = takes === "one" || takes === "all that follow" ? "string" : "boolean";
      return [long, short === undefined ? { type } : { type, short }];
    }),
  );
  const read = args.map((arg) => (/^-(\d+|\d*\.\d+)(e[+-]?\d+)?$/.test(arg) ? `\0${arg}` : arg));
  const { tokens } = util.parseArgs({ args: read, options, strict: false, allowPositionals: true, tokens: true });
  for (const token of tokens)
    if (token.kind !== "option-terminator" && token.value?.startsWith("\0")) token.value = token.value.slice(1);
  return tokens;
}

function isValue(value: string | undefined, { takes }: Flag): boolean {
  if (value === undefined) return takes === "nothing" || takes === "one if it follows";
  return takes !== "nothing";
}

function isFlag(value: string | undefined, table: readonly Flag[]): value is string {
  return (
    value !== undefined &&
    table.some(({ long, short }) => value === `--${long}` || (short !== undefined && value === `-${short}`))
  );
}

/** Notes a flag's value. False for one that it cannot have. */
function put(flags: Values, { long, isList, choices }: Flag, value: string | true): boolean {
  if (choices && value !== true && !choices.includes(value)) return false;
  const name = camelCase(long);
  const before = flags[name];
  flags[name] = isList && value !== true ? [...(Array.isArray(before) ? before : []), value] : value;
  return true;
}

function assigned(given: readonly string[], table: readonly Word[]): Values | undefined {
  const words: Values = {};
  let next = 0;
  for (const { name, isNeeded, isList, choices } of table) {
    const own = given.slice(next, isList ? given.length : next + 1);
    if ((isNeeded && own.length === 0) || (choices && own.some((word) => !choices.includes(word)))) return undefined;
    words[name] = isList ? own : own[0];
    next += own.length;
  }
  return next < given.length ? undefined : words;
}

function camelCase(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
