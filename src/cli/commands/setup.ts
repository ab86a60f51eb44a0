import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import pkg from "../../../package.json" with { type: "json" };
import { RelayError, systemError } from "../../errors.ts";
import { commandFor, HOST_SETUPS, type HostSetup } from "../../hooks/hosts-setup.ts";
import { apply, type FileEdit, keptAfter, planned, readText, unplanned } from "../../hooks/install.ts";
import { KeptFiles } from "../../hooks/kept.ts";
import { type Setting, withSettings } from "../../hooks/settings.ts";
import { worktreeOf } from "../../project.ts";
import { Relay } from "../../relay.ts";
import { stateFolder } from "../../state-folder.ts";
import type { Cli } from "../cli.ts";
import { skill } from "../skill.ts";
import { type Describe, verb } from "../verb.ts";

interface Flags {
  readonly user?: boolean;
  readonly dryRun?: boolean;
  readonly remove?: boolean;
  readonly check?: boolean;
  readonly statusLine?: boolean;
  readonly wake?: boolean;
  readonly plugin?: string;
}

const NAMES = HOST_SETUPS.map(({ agent }) => agent);
const SKILLS = [".claude/skills", ".agents/skills"]; // the second is read by every host but Claude Code

export const describe: Describe = ({ Argument, Command }, act) =>
  new Command("setup")
    .description("Install hooks and a skill, so that agents here are told of mail and claims by themselves.")
    .addArgument(new Argument("[host...]", "for these; without any, for those that are installed").choices(NAMES))
    .option("--user", "in your home folder, for every project, not in this one")
    .option("--status-line", "also a status line in Claude Code, if it has none")
    .option("--wake", "also wake an idle agent for mail to it alone (Claude Code, OpenCode)")
    .option("--plugin <folder>", "write a plugin for Claude Code into a new folder, and nothing else")
    .option("--dry-run", "show what would be written, and write nothing")
    .option("--remove", "take it all away again: files are as they were")
    .option("--check", "prove it: run every installed command on a real payload")
    .addHelpText("after", "\nExample: agent-relay setup claude codex --dry-run")
    .action((hosts: string[], flags: Flags) => act((cli) => setup(cli, hosts, flags)));

export const run = verb(describe);

/** Where files go, and where it is remembered what they were. */
interface Ground {
  readonly root: string;
  readonly kept: KeptFiles;
  readonly launcher: string;
  readonly script: string;
}

/** One file, and for whom. */
interface Step extends FileEdit {
  readonly host: string;
  readonly error?: string;
}

async function setup(cli: Cli, words: readonly string[], flags: Flags): Promise<number> {
  const ground = groundOf(cli, flags);
  if (flags.plugin !== undefined) return writePlugin(cli, flags.plugin, ground);
  const hosts = hostsFor(cli, words, flags);
  if (flags.check) return check(cli, hosts, ground, flags);
  const steps = [...hosts.map((host) => stepFor(host, ground, flags)), ...skillSteps(ground, flags)];
  const done: { host: string; file: string; what: string }[] = [];
  for (const step of steps) {
    const what = step.error ?? carryOut(step, ground, flags);
    done.push({ host: step.host, file: step.file, what });
  }
  if (!flags.remove && !flags.dryRun && !flags.user) await makeRelay(cli);
  const asks = flags.remove
    ? []
    : hosts.flatMap((host) => [host.asks ?? [], flags.wake ? cannotWake(host) : []].flat());
  const lines = done.map(({ host, file, what }) => `${host}: ${what} ${file}\n`);
  const added = flags.dryRun ? steps.map(additions) : [];
  await cli.say({ files: done, asks }, [...lines, ...added, ...asks.map((ask) => `${ask}\n`)].join(""));
  return steps.some(({ error }) => error !== undefined) ? 1 : 0;
}

function groundOf({ io }: Cli, { user }: Flags): Ground {
  const home = io.env.HOME ?? io.env.USERPROFILE;
  const state = stateFolder(io.env);
  if (!home || !state) throw new RelayError("usage", "Cannot set up: no home folder is known", { next: "set HOME" });
  const root = user ? home : (worktreeOf(io.cwd)?.root ?? io.cwd);
  const script = fs.realpathSync(io.script);
  return { root, kept: new KeptFiles(state), launcher: path.resolve(script, "../agent-relay-hook"), script };
}

function hostsFor({ io }: Cli, words: readonly string[], flags: Flags): readonly HostSetup[] {
  if (words.length > 0) return HOST_SETUPS.filter(({ agent }) => words.includes(agent));
  if (flags.remove) return HOST_SETUPS;
  const folders = (io.env.PATH ?? "").split(path.delimiter);
  const isOnPath = (name: string) => folders.some((folder) => folder !== "" && fs.existsSync(path.join(folder, name)));
  const hasFolder = (name: string) => fs.existsSync(path.join(io.env.HOME ?? "", name));
  const found = HOST_SETUPS.filter(({ programs, folders }) => programs.some(isOnPath) || folders.some(hasFolder));
  if (found.length > 0) return found;
  throw new RelayError("not_found", `Cannot find any coding agent here: none of ${NAMES.join(", ")} is installed`, {
    next: "name one all the same: agent-relay setup claude",
  });
}

function fileOf(host: HostSetup, { root }: Ground, { user }: Flags): string {
  return path.join(root, user ? host.userFile : host.projectFile);
}

function stepFor(host: HostSetup, ground: Ground, flags: Flags): Step {
  const file = fileOf(host, ground, flags);
  try {
    const extras = { statusLine: flags.statusLine ? statusLine(ground) : undefined, wakes: flags.wake };
    const edit = flags.remove ? unplanned(file, ground.kept.of(file)) : planned(host, file, ground.launcher, extras);
    return { host: host.agent, ...edit };
  } catch (error) {
    if (!(error instanceof RelayError)) throw error;
    return { host: host.agent, file, before: undefined, after: undefined, error: `${error.message};` };
  }
}

/** What to do for a host whose own hooks cannot wake it. */
function cannotWake({ agent, waking, text }: HostSetup): string[] {
  if (waking || text) return [];
  const other = agent === "codex" ? "; agent-relay daemon run --wake --agent codex --session <id> can" : "";
  return [`No hook of ${agent} can wake it${other}`];
}

/** For Claude Code, below each of its sessions. */
function statusLine({ script }: Ground): Setting {
  const command = `node ${/^[\w./@:+-]+$/.test(script) ? script : `'${script.replaceAll("'", "'\\''")}'`} status --line`;
  return { path: ["statusLine"], value: { type: "command", command, padding: 0 } };
}

/** The skill's own files; one that is not ours is left alone. */
function skillSteps({ root, kept }: Ground, { remove }: Flags): Step[] {
  return SKILLS.map((folder) => path.join(root, folder, "agent-relay", "SKILL.md")).map((file) => {
    const before = readText(file);
    const isOurs = before === undefined || kept.of(file) !== undefined || before === skill();
    const after = !isOurs ? before : remove ? undefined : skill();
    return { host: "skill", file, before, after, ...(isOurs ? {} : { error: "left alone, it is not ours:" }) };
  });
}

function carryOut(step: Step, { kept, root }: Ground, flags: Flags): string {
  const { file, before, after } = step;
  if (before === after) return flags.remove ? "nothing of ours in" : "already in";
  if (flags.dryRun) return flags.remove ? "would be taken out of" : "would be written to";
  apply(step);
  if (flags.remove) {
    kept.drop(file);
    removeEmptyFolders(path.dirname(file), root);
    return "taken out of";
  }
  kept.keep(keptAfter(step, kept.of(file)));
  return before === undefined ? "made" : "added to";
}

/** Folders that held nothing but what we took away. */
function removeEmptyFolders(folder: string, root: string): void {
  for (let each = folder; each !== root && each.startsWith(root) && fs.existsSync(each); each = path.dirname(each)) {
    if (fs.readdirSync(each).length > 0) return;
    fs.rmdirSync(each);
  }
}

/** The lines that come, for a person to read. */
function additions({ file, before = "", after = "" }: Step): string {
  const known = new Set(before.split("\n"));
  const lines = after.split("\n").filter((line) => line.trim() !== "" && !known.has(line));
  return lines.length === 0 ? "" : `--- ${file}\n${lines.map((line) => `+ ${line}\n`).join("")}`;
}

/** What `claude --plugin-dir` takes. */
async function writePlugin(cli: Cli, folder: string, { launcher }: Ground): Promise<number> {
  const root = path.resolve(cli.io.cwd, folder);
  const manifest = {
    name: "agent-relay",
    version: pkg.version,
    description: "Agents in one project hear of each other.",
  };
  const [claude] = HOST_SETUPS;
  const hooks = withSettings("", claude?.settings(commandFor(launcher, "claude")) ?? []);
  const files = new Map([
    [".claude-plugin/plugin.json", `${JSON.stringify(manifest, null, 2)}\n`],
    ["hooks/hooks.json", hooks],
    ["skills/agent-relay/SKILL.md", skill()],
  ]);
  try {
    fs.mkdirSync(path.dirname(root), { recursive: true });
    fs.mkdirSync(root); // a new one: nothing of anybody's is written over
    for (const [name, text] of files) {
      fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
      fs.writeFileSync(path.join(root, name), text);
    }
  } catch (error) {
    throw systemError(`write a plugin to "${root}"`, error);
  }
  await cli.say({ folder: root, files: [...files.keys()] }, `Wrote ${root}. Try it: claude --plugin-dir ${root}\n`);
  return 0;
}

/** Hooks make no relay: who sets them up in a project wants one. */
async function makeRelay(cli: Cli): Promise<void> {
  const relay = await cli.open();
  if (!fs.existsSync(path.join(relay.dir, "relay.json"))) await relay.trust();
}

/** Runs what is installed as its host would, in a folder with a relay of its own. */
async function check(cli: Cli, hosts: readonly HostSetup[], ground: Ground, flags: Flags): Promise<number> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "agent-relay-check-"));
  try {
    await new Relay(path.join(folder, ".relay"), { session: "setup-check", agent: "setup" }).register();
    const results = hosts.flatMap((host) => {
      const file = fileOf(host, ground, flags);
      const commands = commandsIn(readText(file) ?? "");
      if (commands.length === 0) return [{ host: host.agent, command: file, fault: "no hook of ours is in it" }];
      return commands.map((command) => ({ host: host.agent, command, fault: faultOf(command, folder, cli) }));
    });
    const faults = results.filter(({ fault }) => fault !== undefined);
    const lines = results.map(({ host, command, fault }) => `${host}: ${fault ?? "ok"}: ${command}\n`);
    await cli.say({ ok: faults.length === 0, results }, lines.join(""));
    if (faults.length > 0) cli.io.err("Try: agent-relay setup\n");
    return faults.length === 0 ? 0 : 1;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Our command lines in a settings file. */
function commandsIn(text: string): string[] {
  const found = text.matchAll(/"command":\s*("(?:[^"\\]|\\.)*agent-relay-hook(?:[^"\\]|\\.)*")/g);
  const commands = [...found].map(([, json = ""]) => String(JSON.parse(json)));
  const plugin = /^const LAUNCHER = (".*");$/m.exec(text)?.[1];
  if (plugin !== undefined) commands.push(commandFor(String(JSON.parse(plugin)), "opencode")("UserPromptSubmit"));
  return [...new Set(commands)];
}

function faultOf(command: string, folder: string, { io }: Cli): string | undefined {
  const event = command.split(" ")[2] ?? "";
  const ids = { session_id: "setup-check", conversation_id: "setup-check", conversationId: "setup-check" };
  const payload = { ...ids, cwd: folder, workspacePaths: [folder], hook_event_name: event };
  const { AGENT_RELAY_DIR: _, AGENT_RELAY_SESSION: __, ...own } = io.env;
  const env = { ...own, CLAUDE_CODE_SESSION_ATTENDED: "0" }; // or what wakes would wait for mail
  const ran = spawnSync("/bin/sh", ["-c", command], {
    cwd: folder,
    env,
    input: JSON.stringify(payload),
    timeout: 5000,
  });
  const said = ran.stdout.toString().trim();
  if (ran.error) return `it could not be run (${ran.error.message})`;
  if (ran.status !== 0) return `it ended with exit code ${ran.status}: ${ran.stderr.toString().trim().slice(0, 200)}`;
  return said === "" || isObject(said) ? undefined : `it said what no host takes: ${said.slice(0, 80)}`;
}

function isObject(json: string): boolean {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
