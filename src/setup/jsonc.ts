import {
  createScanner,
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import { RelayError } from "../errors.ts";
import type { JsonDialect, Setting } from "../hosts/settings.ts";
import { jsonText } from "../text.ts";

type Path = readonly (string | number)[];

/** The top-level names that we check for duplicates, with all below them. Other duplicates are the host's affair. */
const LOOKED_AT = ["hooks", "agent-relay", "statusLine", "version", "mcpServers", "mcp"];

/** A settings file's content, which may have comments and trailing commas. Throws `corrupt` if it is no JSON object. */
export function settingsIn(text: string, file: string): Readonly<Record<string, unknown>> {
  if (isBlank(text)) return {};
  const errors: ParseError[] = [];
  const root = treeOf(text, errors);
  const [first] = errors;
  if (first || root?.type !== "object") {
    const why = first ? `${printParseErrorCode(first.error)} at byte ${first.offset}` : "it is no object";
    throw leftAlone(file, `it is not JSON (${why})`);
  }
  const twice = nameTwiceIn(root, LOOKED_AT);
  if (twice !== undefined) throw leftAlone(file, `"${twice}" stands in it twice`);
  return { ...getNodeValue(root) };
}

/** What in a file's text makes a host drop the whole of it, and where; undefined if nothing does. */
export function dropsFor(text: string, { comments, trailingCommas }: JsonDialect): string | undefined {
  if (isBlank(text)) return undefined;
  const errors: ParseError[] = [];
  parseTree(text.replace(BOM, ""), errors, { disallowComments: !comments, allowTrailingComma: trailingCommas });
  const [first] = errors;
  if (!first) return undefined;
  const line = text.slice(0, first.offset).split("\n").length;
  const isComment = printParseErrorCode(first.error) === "InvalidCommentToken";
  return `line ${line} has a ${isComment ? "comment" : "comma too many"}`;
}

export const STRICT: JsonDialect = { comments: false, trailingCommas: false };

export function leftAlone(file: string, why: string): RelayError {
  return new RelayError("corrupt", `Cannot set up "${file}": ${why}, and is left as it is`, {
    next: "mend it, then run setup again",
  });
}

/** The text with these settings in it; all else stays as it is, byte for byte. */
export function withSettings(text: string, settings: readonly Setting[]): string {
  const begun = isBlank(text) ? `${text.startsWith(BOM) ? BOM : ""}{}\n` : text;
  return settings.reduce(withSetting, begun);
}

/**
 * The text without the value at a path, and without the objects and lists that are empty then. An object or list that
 * the text `before` has stays, as blank inside as it was there.
 */
export function withoutSetting(text: string, path: Path, before: string | undefined): string {
  const left = cut(text, path);
  const above = path.slice(0, -1);
  const holder = nodeAt(left, above);
  if (holder?.children?.length !== 0) return left;
  const [from, to] = [holder.offset + 1, endOf(holder) - 1];
  if (!isBlank(left.slice(from, to))) return left; // a comment
  const was = before === undefined ? undefined : nodeAt(before, above);
  if (!was && above.length > 0) return withoutSetting(left, above, before);
  const inner = was?.type === holder.type ? before?.slice(was.offset + 1, endOf(was) - 1) : undefined;
  return left.slice(0, from) + (inner !== undefined && isBlank(inner) ? inner : "") + left.slice(to);
}

const BOM = "\u{feff}"; // a byte order mark, which some editors put before a text

function isBlank(text: string): boolean {
  return text.trim() === ""; // `trim` removes a byte order mark too
}

function treeOf(text: string, errors: ParseError[] = []): Node | undefined {
  return parseTree(text.startsWith(BOM) ? ` ${text.slice(1)}` : text, errors, { allowTrailingComma: true });
}

function nodeAt(text: string, path: Path): Node | undefined {
  const root = treeOf(text);
  return root && findNodeAtLocation(root, [...path]);
}

function endOf({ offset, length }: Node): number {
  return offset + length;
}

function nameTwiceIn(node: Node, names: readonly string[] | undefined): string | undefined {
  const seen = new Set<unknown>();
  for (const child of node.children ?? []) {
    const [name, value = child] = child.type === "property" ? (child.children ?? []) : [];
    if (names && !names.includes(name?.value)) continue;
    if (name && seen.has(name.value)) return String(name.value);
    seen.add(name?.value);
    const below = nameTwiceIn(value, undefined);
    if (below !== undefined) return below;
  }
  return undefined;
}

/** The text with a setting, behind the last entry of the object or list that holds it. */
function withSetting(text: string, { path, value, isElement, isDefault }: Setting): string {
  if (isDefault && nodeAt(text, path)) return text;
  let depth = isElement ? path.length : path.length - 1;
  while (depth > 0 && !nodeAt(text, path.slice(0, depth))) depth--;
  const holder = nodeAt(text, path.slice(0, depth));
  if (!holder) return text;
  const [name, ...inner] = path.slice(depth);
  const whole = inner.reduceRight<unknown>(
    (held, key) => ({ [key]: held }),
    isElement && name !== undefined ? [value] : value,
  );
  return insert(text, holder, `${name === undefined ? "" : `${jsonText(name)}: `}`, whole);
}

function insert(text: string, holder: Node, name: string, value: unknown): string {
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  const unit = /\n([ \t]+)\S/.exec(text)?.[1] ?? "  ";
  const outer = indentAt(text, holder.offset);
  const last = holder.children?.at(-1);
  const own = last && startsLine(text, last.offset) ? indentAt(text, last.offset) : outer + unit;
  const item = eol + own + name + jsonText(value, unit).replaceAll("\n", eol + own);
  if (last) return `${text.slice(0, endOf(last))},${item}${text.slice(endOf(last))}`;
  const [from, to] = [holder.offset + 1, endOf(holder) - 1];
  const inner = text.slice(from, to);
  const rest = isBlank(inner) && !inner.includes("\n") ? eol + outer : inner;
  return text.slice(0, from) + item + rest + text.slice(to);
}

function startOfLine(text: string, offset: number): number {
  return offset === 0 ? 0 : text.lastIndexOf("\n", offset - 1) + 1;
}

function startsLine(text: string, offset: number): boolean {
  return isBlank(text.slice(startOfLine(text, offset), offset));
}

function indentAt(text: string, offset: number): string {
  return /^\u{feff}?([ \t]*)/u.exec(text.slice(startOfLine(text, offset), offset))?.[1] ?? "";
}

/** The text without one property or element, and without its comma. Comments stay. */
function cut(text: string, path: Path): string {
  const found = nodeAt(text, path);
  const node = found?.parent?.type === "property" ? found.parent : found;
  const holder = node?.parent;
  if (!node || !holder) return text;
  const { children = [] } = holder;
  const index = children.indexOf(node);
  const [previous, next] = [children[index - 1], children[index + 1]];
  const [from, to] = [previous ? endOf(previous) : holder.offset + 1, next ? next.offset : endOf(holder) - 1];
  const [ahead, behind] = [text.slice(from, node.offset), text.slice(endOf(node), to)];
  const around = previous
    ? closed(withoutComma(ahead), behind)
    : next
      ? opened(ahead, behind)
      : closed(ahead, withoutComma(behind));
  return text.slice(0, from) + around + text.slice(to);
}

/** The gap that a last entry leaves: the blanks before it go, a comment stays. */
function closed(ahead: string, behind: string): string {
  if (isBlank(ahead)) return behind;
  return (/^[ \t]*\r?\n/.test(behind) ? ahead.trimEnd() : ahead) + behind;
}

/** The gap that a first entry leaves: the next entry takes its place. */
function opened(ahead: string, behind: string): string {
  return ahead + withoutComma(behind).trimStart();
}

/** The text between two values, without its comma. A comma in a comment does not count. */
function withoutComma(gap: string): string {
  const scanner = createScanner(gap, false);
  for (let end = 0; end < gap.length; end = scanner.getPosition()) {
    scanner.scan();
    const at = scanner.getTokenOffset();
    if (scanner.getTokenLength() === 1 && gap[at] === ",") return gap.slice(0, at) + gap.slice(at + 1);
  }
  return gap;
}
