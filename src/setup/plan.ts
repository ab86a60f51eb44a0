import { RelayError } from "../errors.ts";
import {
  commandFor,
  eventOf,
  isServerEntry,
  type Program,
  seemsOurs,
  serverWords,
  wordsFor,
} from "../hosts/command-line.ts";
import { builtPlugin, OUR_PLUGIN, WAKING_PLUGIN } from "../hosts/opencode-plugin-file.ts";
import { commandsIn, fieldsOf, isOurLine } from "../hosts/ours.ts";
import type { HostSetup, Setting } from "../hosts/settings.ts";
import { type Backup, sumOf } from "./backups.ts";
import { emptyFolderAbove, type FileEdit, readText } from "./files.ts";
import { settingsIn, withoutSetting, withSettings } from "./jsonc.ts";
import { checkRoom, has, withoutOurs } from "./managed.ts";

/** What is to be set up in a file, and the file's backup. */
export interface SetupRequest {
  readonly program: Program;
  /** Claude Code's status line, below each of its sessions. */
  readonly statusLine?: Setting | undefined;
  /** An idle agent is woken for mail. */
  readonly wakes?: boolean | undefined;
  /** The host is told of the MCP server. */
  readonly mcp?: boolean | undefined;
  /** False: no hooks are added. */
  readonly hooks?: boolean | undefined;
  readonly kept?: Backup | undefined;
}

/**
 * The edit that puts our hooks into `host`'s settings file, once, and changes nothing else. What an earlier setup was
 * asked for stays. Throws `corrupt` where it would have to guess.
 */
export function planSetup(host: HostSetup, file: string, request: SetupRequest): FileEdit {
  const before = readText(file);
  if (host.text) {
    const wakes = request.wakes === true || before?.includes(WAKING_PLUGIN) === true;
    const text = host.text(builtPlugin(request.program.script), wordsFor(request.program), wakes);
    return { file, before, after: ourFile(before, text, file) };
  }
  const text = before ?? "";
  const known = settingsIn(text, file);
  const settings = wanted(host, known, request);
  checkRoom(known, settings, file);
  if (before !== undefined && has(known, settings)) return { file, before, after: before };
  return { file, before, after: withSettings(withoutOurs(text, file, request.kept?.before), settings) };
}

/** The settings that a file with the content `known` has to hold. */
export function wanted(host: HostSetup, known: Readonly<Record<string, unknown>>, request: SetupRequest): Setting[] {
  const command = commandFor(request.program, host);
  const events = commandsIn(known).flatMap((line) => eventOf(line) ?? []);
  const wakes = request.wakes === true || events.includes("Wake");
  const isAlone = request.hooks === false && events.length === 0 && hasServersBeside(host);
  return [
    ...(isAlone ? [] : host.settings(command)),
    ...((wakes && host.waking?.(command)) || []),
    ...lineIn(known, host, request),
    ...serverIn(known, host, request),
  ];
}

/** Whether a host keeps its servers in the file of its hooks. */
export function hasServersBeside({ mcp, text }: HostSetup): boolean {
  return !text && mcp.projectFile === undefined && mcp.typed === undefined;
}

function serverIn(known: Readonly<Record<string, unknown>>, host: HostSetup, request: SetupRequest): Setting[] {
  const { mcp } = host;
  if (!hasServersBeside(host)) return [];
  const found = mcp.path.reduce<unknown>((inner, key) => fieldsOf(inner)[key], known);
  if (!request.mcp && !isServerEntry(found)) return [];
  return [{ path: mcp.path, value: mcp.entry(serverWords(request.program)) }];
}

/** A status line of somebody else's stays, and so does ours. */
function lineIn(
  known: Readonly<Record<string, unknown>>,
  { hasStatusLine }: HostSetup,
  { statusLine }: SetupRequest,
): Setting[] {
  if (isOurLine(known.statusLine)) return [{ path: ["statusLine"], value: known.statusLine }];
  return hasStatusLine && statusLine && !("statusLine" in known) ? [statusLine] : [];
}

/** The text of a file that is ours alone. Throws `corrupt` if somebody else's file has its name. */
function ourFile(before: string | undefined, text: string, file: string): string {
  if (before === undefined || isOurPlugin(before)) return text;
  throw new RelayError("corrupt", `Cannot set up "${file}": it is somebody else's, and is left as it is`, {
    next: "move it away, then run setup again",
  });
}

function isOurPlugin(text: string): boolean {
  return text.split("\n")[0]?.includes(OUR_PLUGIN) === true;
}

/** Whether our server and no hook of ours is in a file of `host`: hooks were not wanted. False if it is unreadable. */
export function hasServerAlone(host: HostSetup, file: string): boolean {
  try {
    const known = settingsIn(readText(file) ?? "", file);
    const found = host.mcp.path.reduce<unknown>((inner, key) => fieldsOf(inner)[key], known);
    return isServerEntry(found) && commandsIn(known).every((line) => eventOf(line) === undefined);
  } catch (error) {
    if (error instanceof RelayError) return false;
    throw error;
  }
}

/** Whether anything of ours is in a file of `host`, be it whole or not. */
export function isSetUp(host: HostSetup, file: string): boolean {
  const text = readText(file);
  return text !== undefined && (host.text ? isOurPlugin(text) : seemsOurs(text));
}

/** The edit that takes out what is ours. A file that nobody has changed since becomes what it was, byte for byte. */
export function planRemoval(host: HostSetup, file: string, kept: Backup | undefined): FileEdit {
  const before = readText(file);
  if (before === undefined) return { file, before, after: undefined };
  if (kept && sumOf(before) === kept.after) return { file, before, after: kept.before };
  if (host.text) return { file, before, after: isOurPlugin(before) ? undefined : before };
  return { file, before, after: stripped(host, before, file, kept) };
}

/** The backup for an edit. Its text stays if only we changed the file since; else it is the text now, without ours. */
export function keptAfter(host: HostSetup | undefined, edit: FileEdit, known: Backup | undefined): Backup {
  const { file, before: text, after } = edit;
  const isChain = known !== undefined && text !== undefined && sumOf(text) === known.after;
  const others = text === undefined || !host || host.text ? undefined : stripped(host, text, file, known);
  const before = isChain ? known.before : others;
  const stays = known ? known.stays : emptyFolderAbove(file);
  return { file, ...(before !== undefined && { before }), after: sumOf(after ?? ""), ...(stays && { stays }) };
}

/** A text without our settings; undefined if nothing is left, and no text of the file before setup is known. */
function stripped(host: HostSetup, text: string, file: string, kept: Backup | undefined): string | undefined {
  const left = withoutOurs(text, file, kept?.before);
  if (left === text && !kept) return text;
  const result = withoutDefaults(host, left, file, kept);
  return kept?.before === undefined && /^\s*\{\s*\}\s*$/.test(result) ? undefined : result;
}

/**
 * The text without our defaults, such as a version, which hooks of others may need too. A default goes only if the file
 * did without it before setup, or if nothing but defaults is left.
 */
function withoutDefaults(host: HostSetup, text: string, file: string, kept: Backup | undefined): string {
  const noCommand = () => ({ command: "" });
  const defaults = host.settings(noCommand).filter(({ isDefault }) => isDefault === true);
  const [now, earlier] = [settingsIn(text, file), settingsIn(kept?.before ?? "", file)];
  const isAlone = Object.keys(now).every((name) => defaults.some(({ path }) => path[0] === name));
  const wasThere = Object.keys(earlier).length > 0;
  return defaults
    .filter(({ path: [name = ""], value }) => !(name in earlier) && now[name] === value && (wasThere || isAlone))
    .reduce((left, { path }) => withoutSetting(left, path, kept?.before), text);
}
