import { quoted } from "../shell/quote.ts";
import { jsonText } from "../text.ts";
import type { Command, Guard, HostSetup } from "./settings.ts";

/** What a host starts for a hook. */
export interface Program {
  /** bin/agent-relay-hook, for a POSIX shell. */
  readonly launcher: string;
  /** bin/agent-relay.cjs, for Node. */
  readonly script: string;
  readonly platform: NodeJS.Platform;
  /** Both are called by their names in PATH: such a line holds on every machine, and does nothing where they are not. */
  readonly isNamed?: boolean;
}

const NAMES = { launcher: "agent-relay-hook", script: "agent-relay" };

/** The program and its first arguments, for a caller that starts it without a shell. */
export function wordsFor({ launcher, script, platform, isNamed }: Program): readonly string[] {
  if (isNamed) return platform === "win32" ? [...NAMED_ON_WINDOWS, "hook"] : [NAMES.launcher];
  return platform === "win32" ? ["node", script, "hook"] : [launcher];
}

export function commandFor(
  { launcher, script, platform, isNamed = false }: Program,
  { agent, guard, startsPrograms }: Pick<HostSetup, "agent" | "guard" | "startsPrograms">,
): Command {
  if (platform === "win32") {
    const program = isNamed ? NAMES.script : `node "${script}"`; // Windows has no POSIX shell
    return (event) => ({ command: `${program} hook ${agent} ${event}` });
  }
  const program = isNamed ? NAMES.launcher : quoted(launcher);
  const isMissing = isNamed ? `! command -v ${program} >/dev/null` : `[ ! -x ${program} ]`;
  return (event, tool) => {
    const args = [agent, event, ...(tool === undefined ? [] : [tool])];
    const guardOf = guard?.(event) ?? (isNamed ? "silent" : undefined);
    if (startsPrograms && guardOf === undefined) return { command: launcher, args };
    return { command: guarded(isMissing, [program, ...args].join(" "), guardOf) };
  };
}

// Without a shell Windows starts no command of npm's, which are scripts for one.
const NAMED_ON_WINDOWS = ["cmd", "/c", NAMES.script];

/** The line needs `exec`: the launcher knows the session by its parent process. */
function guarded(isMissing: string, line: string, guard: Guard | undefined): string {
  switch (guard) {
    case "empty":
      return `${isMissing} && echo '{}' || exec ${line}`;
    case "silent":
      return `${isMissing} || exec ${line}`;
    case undefined:
      return line;
  }
}

/** The words of the MCP server's command, which a host starts without a shell. */
export function serverWords({ script, platform, isNamed }: Program): readonly string[] {
  if (isNamed) return [...(platform === "win32" ? NAMED_ON_WINDOWS : [NAMES.script]), "mcp"];
  return platform === "win32" ? ["node", script, "mcp"] : [script, "mcp"];
}

const SERVER = /(?:"agent-relay|\bagent-relay\.cjs)",\s*(?:"args":\s*\[\s*)?"mcp"/;

/** Whether an entry of a host's MCP servers is ours, for any platform and path. */
export function isServerEntry(value: unknown): boolean {
  return SERVER.test(jsonText(value));
}

/** The status line's command. */
export function lineCommand({ script, platform, isNamed }: Program): string {
  if (isNamed) return `${NAMES.script} status --line`;
  return `node ${platform === "win32" ? `"${script}"` : quoted(script)} status --line`;
}

// A word of a shell as `quoted` writes it, that ends with a program's name.
const wordOf = (program: string) => `(?:'(?:[^']|'\\\\'')*${program}'|[^\\s'"\\\\;&|<>$\`()]*${program})`;
const HOOK_LINE = new RegExp(
  `^(?:\\[ ! -x (${wordOf("agent-relay-hook")}) \\] (?:&& echo '\\{\\}' )?\\|\\| exec (?=\\1 ))?${wordOf("agent-relay-hook")} \\w+ (\\w+)(?: (?:edit|shell))?$`,
);
const NAMED_LINE =
  /^! command -v agent-relay-hook >\/dev\/null (?:&& echo '\{\}' )?\|\| exec agent-relay-hook \w+ (\w+)(?: (?:edit|shell))?$/;
const WINDOWS_LINE = /^(?:node "[^"]*agent-relay\.cjs"|agent-relay) hook \w+ (\w+)$/;
const STATUS_LINE = new RegExp(
  `^(?:agent-relay|node (?:${wordOf("agent-relay\\.cjs")}|"[^"]*agent-relay\\.cjs")) status --line$`,
);

/** A hook's command as a line for a shell, also of a program that its host starts itself; undefined if it is neither. */
export function lineOf({ command, args = [] }: { readonly command?: unknown; readonly args?: unknown }) {
  if (typeof command !== "string" || !Array.isArray(args)) return undefined;
  return args.length === 0 ? command : [command, ...args].map((word) => quoted(String(word))).join(" ");
}

/** The event of a line that `commandFor` wrote, for any platform and path; undefined for any other, like it or not. */
export function eventOf(line: string): string | undefined {
  return HOOK_LINE.exec(line)?.[2] ?? NAMED_LINE.exec(line)?.[1] ?? WINDOWS_LINE.exec(line)?.[1];
}

/** Whether a file's text seems to hold something of ours: a hook, or a server. */
export function seemsOurs(text: string): boolean {
  return (
    /\bagent-relay(?:-hook['"]?|\.cjs\\?['"]? hook) \w+ \w+|"agent-relay hook \w+ \w+"/.test(text) ||
    /\bagent-relay-hook",\s*"args":\s*\[\s*"\w+",\s*"\w+"/.test(text) ||
    SERVER.test(text)
  );
}

/** Whether what is ours in a file's text is called by its name. */
export function isCalledByName(text: string): boolean {
  return /command -v agent-relay-hook >|"agent-relay (?:hook|status) |"agent-relay-hook"\]|"agent-relay",\s*(?:"args":\s*\[\s*)?"(?:mcp|hook)"/.test(
    text,
  );
}

/** Whether a command is one that `lineCommand` wrote. */
export function isLineCommand(command: unknown): boolean {
  return typeof command === "string" && STATUS_LINE.test(command);
}
