import fs from "node:fs";
import path from "node:path";
import { errno, RelayError, systemError } from "../errors.ts";
import { hash } from "../hash.ts";
import { commandFor, type HostSetup } from "./hosts-setup.ts";
import { WAKING_PLUGIN } from "./opencode-plugin.ts";
import { type Setting, settingsIn, withoutSetting, withSettings } from "./settings.ts";

const OURS = "agent-relay-hook"; // the launcher's name: what names it in a settings file is ours

/** One change of one file. `before` and `after` are undefined where there is no file. */
export interface FileEdit {
  readonly file: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** What a person may ask for besides hooks. */
export interface Extras {
  readonly statusLine?: Setting | undefined;
  /** An idle agent is woken for mail. */
  readonly wakes?: boolean | undefined;
}

/**
 * What `host`'s settings file becomes: with our hooks, once, and nothing else changed. What was asked for before stays.
 * Throws `corrupt` for what is no JSON.
 */
export function planned(host: HostSetup, file: string, launcher: string, extras: Extras = {}): FileEdit {
  const before = readText(file);
  const wakes = extras.wakes === true || wakesIn(before ?? "");
  if (host.text) return { file, before, after: ourFile(before, host.text(launcher, wakes), file) };
  const text = before ?? "";
  const known = settingsIn(text, file);
  const command = commandFor(launcher, host.agent);
  const settings = [
    ...host.settings(command),
    ...((wakes && host.waking?.(command)) || []),
    ...lineIn(known, host, extras),
  ];
  if (before !== undefined && has(known, settings)) return { file, before, after: before };
  return { file, before, after: withSettings(withoutOurs(text, file), settings) };
}

/** A status line of somebody else's stays, and so does ours. */
function lineIn(known: Readonly<Record<string, unknown>>, { agent }: HostSetup, { statusLine }: Extras): Setting[] {
  if (isOurLine(known.statusLine)) return [{ path: ["statusLine"], value: known.statusLine }];
  return agent === "claude" && statusLine && !("statusLine" in known) ? [statusLine] : [];
}

function wakesIn(text: string): boolean {
  return /agent-relay-hook'? \w+ Wake"/.test(text) || text.includes(WAKING_PLUGIN);
}

/** The file as it was before our hooks came: byte for byte if nobody has changed it since, else without them. */
export function unplanned(file: string, kept: Kept | undefined): FileEdit {
  const before = readText(file);
  if (before === undefined) return { file, before, after: undefined };
  if (kept && sumOf(before) === kept.after) return { file, before, after: kept.before };
  if (file.endsWith(".js")) return { file, before, after: before.split("\n")[0]?.includes(OURS) ? undefined : before };
  const after = withoutOurs(before, file);
  return { file, before, after: after === "{}\n" && kept?.before === undefined ? undefined : after };
}

/** A file that is ours alone. Throws `corrupt` where somebody else's has its name. */
function ourFile(before: string | undefined, text: string, file: string): string {
  if (before === undefined || before.split("\n")[0]?.includes(OURS)) return text;
  throw new RelayError("corrupt", `Cannot set up "${file}": it is somebody else's, and is left as it is`, {
    next: "move it away, then run setup again",
  });
}

/** Writes a change, through links, in one step. Throws for a file that another has changed since it was planned. */
export function apply({ file, before, after }: FileEdit): void {
  if (before === after) return;
  if (readText(file) !== before)
    throw new RelayError("conflict", `Cannot write "${file}": it has just changed`, { next: "agent-relay setup" });
  try {
    const target = fs.existsSync(file) ? fs.realpathSync(file) : file;
    if (after === undefined) {
      fs.rmSync(target, { force: true });
      return;
    }
    fs.mkdirSync(path.dirname(target), { recursive: true });
    const mode = fs.statSync(target, { throwIfNoEntry: false })?.mode ?? 0o644;
    if (fs.existsSync(target)) fs.accessSync(target, fs.constants.W_OK);
    const draft = `${target}.agent-relay-${process.pid}`;
    fs.writeFileSync(draft, after, { mode, flag: "wx" });
    fs.renameSync(draft, target);
  } catch (error) {
    throw systemError(`write "${file}"`, error);
  }
}

/** What is remembered of a file that we changed. */
export interface Kept {
  readonly file: string;
  /** Its text before; undefined if there was none. */
  readonly before?: string | undefined;
  /** A sum of what we made of it. */
  readonly after: string;
}

/** What is to be remembered of a change, given what was before: the oldest text that is nobody else's. */
export function keptAfter(edit: FileEdit, known: Kept | undefined): Kept {
  const isChain = known !== undefined && edit.before !== undefined && sumOf(edit.before) === known.after;
  const isJson = edit.file.endsWith(".json");
  const others = edit.before !== undefined && isJson ? withoutOurs(edit.before, edit.file) : undefined;
  const before = isChain ? known.before : others;
  return { file: edit.file, ...(before === undefined ? {} : { before }), after: sumOf(edit.after ?? "") };
}

function sumOf(text: string): string {
  return `${text.length}-${hash(text).toString(36)}`;
}

/** Whether just these settings of ours are there, and no others. */
function has(value: Readonly<Record<string, unknown>>, settings: readonly Setting[]): boolean {
  const at = (where: readonly string[]) => where.reduce<unknown>((inner, key) => fieldsOf(inner)[key], value);
  const isThere = ({ path: where, value: wanted, isElement }: Setting) => {
    const found = at(where);
    const all = isElement ? (Array.isArray(found) ? found : []) : [found];
    return all.some((one) => JSON.stringify(one) === JSON.stringify(wanted));
  };
  const wanted = settings.filter(({ value: one }) => isOurs(one) || isOurLine(one)).length;
  return settings.every(isThere) && oursIn(value).length === wanted;
}

/** The text without what is ours, and without what is empty then. */
function withoutOurs(text: string, file: string): string {
  let result = text;
  for (;;) {
    const [first] = oursIn(settingsIn(result, file));
    if (first === undefined) return result;
    result = withoutSetting(result, first);
    for (let above = first.slice(0, -1); above.length > 0; above = above.slice(0, -1)) {
      const left = above.reduce<unknown>(
        (inner, key) => (Array.isArray(inner) ? inner[Number(key)] : fieldsOf(inner)[key]),
        settingsIn(result, file),
      );
      if (typeof left !== "object" || left === null || Object.keys(left).length > 0) break;
      result = withoutSetting(result, above);
    }
  }
}

/** Where our hooks stand: the whole group of a matcher if all of it is ours. */
function oursIn(value: Readonly<Record<string, unknown>>): (string | number)[][] {
  const found: (string | number)[][] = [];
  if (isOurs(value["agent-relay"])) found.push(["agent-relay"]);
  if (isOurLine(value.statusLine)) found.push(["statusLine"]);
  for (const [event, list] of Object.entries(fieldsOf(value.hooks)))
    for (const [index, group] of (Array.isArray(list) ? list : []).entries()) {
      const { hooks } = fieldsOf(group);
      if (!isOurs(group)) continue;
      if (!Array.isArray(hooks) || hooks.every(isOurs)) found.push(["hooks", event, index]);
      else for (const [at, hook] of hooks.entries()) if (isOurs(hook)) found.push(["hooks", event, index, "hooks", at]);
    }
  return found;
}

function isOurLine(value: unknown): boolean {
  const { command } = fieldsOf(value);
  return typeof command === "string" && /\bagent-relay\.cjs'? status --line$/.test(command);
}

function isOurs(value: unknown): boolean {
  return value !== undefined && JSON.stringify(value).includes(OURS);
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

export function readText(file: string): string | undefined {
  try {
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    if (errno(error) === "ENOENT") return undefined;
    throw systemError(`read "${file}"`, error);
  }
}
