// Control characters except tab and newline, and invisible characters that can turn the direction of text or hide words
// in it. U+FE0F is safe: it only asks for an emoji's colours.
const UNSAFE = /(?![\t\n]|\ufe0f)[\p{Cc}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu;

/** Text of a peer, fit to be shown: control bytes and bidi marks are escaped, so that they show and do nothing. */
export function clean(text: string): string {
  return text.replace(UNSAFE, escapeUnit);
}

/** `clean` for what must stay on one line. */
export function cleanLine(text: string): string {
  return clean(text).replaceAll("\n", "\\n").replaceAll("\t", "\\t");
}

/** One JSON value, with what could fool a terminal escaped. */
export function json(value: unknown, indent?: number): string {
  return `${JSON.stringify(value, null, indent).replace(UNSAFE, (unit) => (unit === "\n" ? unit : escapeUnit(unit)))}\n`;
}

/** JSON with the fields of each object in order, so that the same content is the same text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const fields = Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, each]) => `${JSON.stringify(name)}:${canonicalJson(each)}`).join(",")}}`;
}

/** A character as JSON escapes it: one `\uXXXX` for each UTF-16 unit. */
function escapeUnit(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}

/** `7`, or `1000+`. */
export function countWord(count: number): string {
  return count > 1000 ? "1000+" : String(count);
}

/** A peer's text in quotes, so that nothing after it can be taken for a part of it. */
export function inQuotes(text: string): string {
  return `"${text.replaceAll('"', "'")}"`;
}
