// All text is cut, cleaned and quoted here, and made into JSON here, so that no surface ever says half a character: a
// strict parser refuses the whole answer for it, and with it the mail of everybody else.

// The flags that are written with tags. Any other tag is an invisible letter.
const FLAG = String.raw`\u{1f3f4}\u{e0067}\u{e0062}(?:\u{e0065}\u{e006e}\u{e0067}|\u{e0073}\u{e0063}\u{e0074}|\u{e0077}\u{e006c}\u{e0073})\u{e007f}`;
// Control characters except tab and newline, half characters, and invisible characters, which can turn the direction of
// text or hide words in it.
const UNSAFE = String.raw`${FLAG}|(?![\t\n])[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]`;
let unsafe: RegExp | undefined; // to make it takes 1.5 ms, and most text is plain
const PLAIN = /^[\t\n -~]*$/;
const VARIANT = /^[\ufe0e\ufe0f]$/;

/** Text of a peer, fit to be shown: control bytes and bidi marks are escaped, so that they show and do nothing. */
export function clean(text: string): string {
  return escaped(text.replaceAll("\r\n", "\n"));
}

/** `clean` for what must stay on one line. */
export function cleanLine(text: string): string {
  return clean(text).replaceAll("\n", "\\n").replaceAll("\t", "\\t");
}

function escaped(text: string): string {
  if (PLAIN.test(text)) return text;
  unsafe ??= new RegExp(UNSAFE, "gu");
  return text.replace(unsafe, shown);
}

/** What may stand for an unsafe character: itself where it is part of a letter or picture that is seen, else its escape. */
function shown(character: string, ...[offset, text]: [number, string]): string {
  const isFlag = character.length > 2;
  return isFlag || isPartOfVisible(character, lastCharacter(text.slice(Math.max(0, offset - 2), offset)))
    ? character
    : escapeUnits(character);
}

/** One joiner or selector belongs to the character before it. More of them in a row could hide words. */
function isPartOfVisible(unsafe: string, before: string): boolean {
  if (before <= "\x7f") return VARIANT.test(unsafe) && /[\d#*]/.test(before);
  if (/^[\u200c\u200d]$/.test(unsafe)) return /[\p{L}\p{M}\p{Extended_Pictographic}\p{Emoji_Modifier}]/u.test(before);
  if (VARIANT.test(unsafe)) return /[\p{Emoji}\p{Extended_Pictographic}]/u.test(before);
  return /^[\u{e0100}-\u{e01ef}]$/u.test(unsafe) && /\p{Script=Han}/u.test(before);
}

function lastCharacter(text: string): string {
  return Array.from(text).at(-1) ?? "";
}

/** A character as JSON escapes it: one `\uXXXX` for each UTF-16 unit. */
function escapeUnits(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}

const MAX_CLUSTER_UNITS = 64; // of a letter with its marks, or of a picture: what is longer is cut within
let graphemes: Intl.Segmenter | undefined;

/** The longest beginning of `text` that has at most so many UTF-16 units, and no half of what is read as one character. */
export function beginning(text: string, most: number): string {
  if (text.length <= most) return text.toWellFormed();
  graphemes ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  const end = graphemes.segment(text.slice(0, most + MAX_CLUSTER_UNITS)).containing(most)?.index ?? most;
  if (most - end < MAX_CLUSTER_UNITS) return text.slice(0, end).toWellFormed();
  const isWithinPair = /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(most - 1, most + 1));
  return text.slice(0, isWithinPair ? most - 1 : most).toWellFormed();
}

/** The same, with an ellipsis in place of what is cut: at most `most` units with it. */
export function cut(text: string, most: number): string {
  return text.length <= most ? text.toWellFormed() : `${beginning(text, most - 1)}…`;
}

const HALF = /\\ud[89a-f]/; // as JSON.stringify escapes it

/** A value as JSON that every parser takes: half characters are replaced by U+FFFD. `undefined` becomes `null`. */
export function jsonText(value: unknown, indent?: number | string): string {
  const text = JSON.stringify(value, null, indent) ?? "null";
  return HALF.test(text) ? JSON.stringify(value, wellFormed, indent) : text;
}

function wellFormed(_: string, value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name.toWellFormed(), each]));
}

/** The same value, with U+FFFD in place of half characters. */
export function withoutHalves<T>(value: T): T {
  return HALF.test(JSON.stringify(value) ?? "") ? JSON.parse(JSON.stringify(value, wellFormed)) : value;
}

/** One JSON value on a line, or indented, with what could fool a terminal escaped. */
export function json(value: unknown, indent?: number): string {
  return `${escaped(jsonText(value, indent))}\n`;
}

/** JSON with the fields of each object in order, so that the same content is the same text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return jsonText(value);
  const fields = Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, each]) => `${jsonText(name)}:${canonicalJson(each)}`).join(",")}}`;
}

/** What somebody typed, for an error: a JSON string of its beginning. */
export function asTyped(text: string, most = 200): string {
  return jsonText(beginning(text, most));
}

/** `7`, or `1000+`. */
export function countWord(count: number): string {
  return count > 1000 ? "1000+" : String(count);
}

/** A peer's text in quotes, so that nothing after it can be taken for a part of it. */
export function inQuotes(text: string): string {
  return `"${text.replaceAll('"', "'")}"`;
}
