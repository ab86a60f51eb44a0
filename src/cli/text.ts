// C0 and C1 controls but tab and newline, and all that can turn the direction of text or hide in it.
const UNSAFE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

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

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
