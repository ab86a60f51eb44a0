import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { type ErrorCode, RelayError, systemError } from "../../errors.ts";
import { worktreeOf } from "../../git/repository.ts";
import { lineCommand, type Program, serverWords } from "../../hosts/command-line.ts";
import type { Host } from "../../hosts/host.ts";
import { HOSTS } from "../../hosts/hosts.ts";
import { type HostSetup, mcpFile } from "../../hosts/settings.ts";
import { isOnPath } from "../../machine/programs.ts";
import { stateFolder } from "../../machine/state-dir.ts";
import { dropProject } from "../../project/known.ts";
import { Backups, sumOf } from "../../setup/backups.ts";
import { checked, switchedOff } from "../../setup/check.ts";
import { checkedServer } from "../../setup/check-server.ts";
import { diff } from "../../setup/diff.ts";
import { apply, checkWithin, type FileEdit, readText, removeEmptyFolders } from "../../setup/files.ts";
import {
  hasServerAlone,
  hasServersBeside,
  keptAfter,
  planRemoval,
  planSetup,
  type SetupRequest,
} from "../../setup/plan.ts";
import { callableByName, dropped, noteNode } from "../../setup/reach.ts";
import { SKILL } from "../../setup/skill.ts";
import { quoted } from "../../shell/quote.ts";
import { clean, cleanLine } from "../../text.ts";
import { writePlugin } from "../claude-plugin.ts";
import type { Cli } from "../cli.ts";
import { defineVerb } from "../command.ts";
import { askForPerson } from "../confirm.ts";
import { EXIT } from "../exit.ts";
import type { FlagsOf, FlagTable } from "../flag-table.ts";
import { exclusionOf, tellTracked } from "../setup-commits.ts";
import { fileOf, hasServer, isSetUpIn, type Site, sitesOf } from "../setup-sites.ts";

const NAMES = HOSTS.map(({ agent }) => agent);

/** The folders of skills, and which hosts read each. */
const SKILLS = [...new Set(HOSTS.map(({ skills }) => skills))].map((folder) => ({
  folder,
  isRead: (agent: string) => HOSTS.some((host) => host.agent === agent && host.skills === folder),
}));

const FLAGS = {
  "--user": "in your home folder, for every project, not in this one",
  "--status-line": "also a status line in Claude Code, if it has none",
  "--wake": "also wake an idle agent for mail to it alone (Claude Code, OpenCode)",
  "--mcp": "also the relay as an MCP server, for agents that prefer tools",
  "--no-hooks": "with --mcp: the server alone, for who wants tools and nothing else",
  "--by-name": "call agent-relay by its name in PATH, so that a team may commit what is written",
  "--plugin <folder>": "write a plugin for Claude Code into a new folder, and nothing else",
  "--dry-run": "show what would be written, and write nothing",
  "--remove": "take it all away again: files are as they were",
  "--check": "prove it: run every installed command on a real payload",
} as const satisfies FlagTable;

type Flags = FlagsOf<typeof FLAGS>;

export const verb = defineVerb({
  name: "setup",
  about: "Install hooks and a skill, so that agents here are told of mail and claims by themselves.",
  words: { "[host...]": { about: "for these; without any, for those that are installed", choices: NAMES } },
  flags: FLAGS,
  example: "agent-relay setup claude codex --dry-run",
  run: (cli, flags, { host: hosts }) => setup(cli, hosts, flags),
});

/** The folders that setup writes to, and the backups of what was there. */
interface Ground {
  readonly root: string;
  readonly home: string;
  readonly kept: Backups;
  /** The folders that were there, empty, before setup. */
  readonly stay: Set<string>;
  readonly program: Program;
}

/** The outcome of one step. */
interface Done {
  readonly host: string;
  readonly file: string;
  readonly what: string;
  readonly failed?: ErrorCode;
  /** The file names no folder of this machine, and may be committed. */
  readonly isShared?: boolean;
  /** What would change, line by line. */
  readonly lines?: readonly string[];
}

async function setup(cli: Cli, words: readonly string[], flags: Flags): Promise<number> {
  const ground = groundOf(cli, flags);
  if (flags.plugin !== undefined) return writePlugin(cli, flags.plugin, ground);
  if (flags.check) return check(cli, words, ground, flags);
  if (flags.noHooks && (!flags.mcp || flags.wake || flags.statusLine))
    throw new RelayError("usage", "Cannot set up without hooks: --no-hooks goes with --mcp, and with no other part", {
      next: "agent-relay setup --mcp --no-hooks",
    });
  const hosts = hostsFor(cli, words, flags);
  const sites = hosts.flatMap((host) => sitesOf(host, ground, flags));
  const done: Done[] = [];
  for (const site of sites.filter(({ host }) => !flags.noHooks || hasServersBeside(host)))
    done.push(setUp(site.host.agent, site, ground));
  for (const site of sites) {
    const host = mcpFile(site.host, serverWords(site.program), flags.user === true);
    const file = host && fileOf(host, ground, flags);
    if (!host || !file || done.some((one) => one.file === file)) continue;
    if (!flags.mcp && !flags.remove && !hasServer(site, file)) continue;
    done.push(setUp("mcp", { ...site, host, file, flags: { ...flags, statusLine: undefined } }, ground));
  }
  for (const { folder, isRead } of flags.noHooks ? [] : SKILLS) {
    const file = path.join(ground.root, folder, "agent-relay", "SKILL.md");
    const outcome = tried("skill", file, () => doSkill(file, isRead, { done, ground, flags }));
    done.push({ ...outcome, ...(sites.some(({ program }) => program.isNamed) && { isShared: true }) });
  }
  const written = done.filter(({ failed }) => failed === undefined);
  const exclusion = flags.user || flags.dryRun ? undefined : exclusionOf(written, ground, flags.remove === true);
  if (exclusion) done.push(tried("git", exclusion.file, exclusion.act));
  if (!flags.remove && !flags.dryRun && !flags.user) done.push(...(await makeRelay(cli)));
  const asks = flags.remove
    ? hosts.flatMap((host) => toTypeBack(host, ground))
    : sites
        .filter((site) => !site.flags.remove)
        .flatMap(({ host, file, program }) =>
          [
            (!flags.noHooks && host.asks) || [],
            flags.wake ? cannotWake(host) : [],
            toType(host, program, flags),
            flags.dryRun ? [] : dropped(host, file),
          ].flat(),
        );
  if (!flags.remove && !flags.user) asks.push(...tellTracked(written, ground.root));
  if (!flags.remove && !flags.dryRun && !flags.noHooks) noteNode(cli.io.env);
  if (flags.statusLine && !flags.remove && ground.program.platform !== "win32")
    asks.push(`In a status line or script of your own: ${quoted(ground.program.launcher)} unread --session <id>`);
  if (!flags.remove && !flags.noHooks) asks.push(...callableByName(cli.io.env, widest(sites, ground)));
  if (!flags.remove && !flags.dryRun && !flags.noHooks)
    asks.push(`Then start ${listed(hosts)}, and ask there: who else is here?`);
  const said = done.map(
    ({ host, file, what, failed }) => `${host}: ${cleanLine(what)}${failed ? "" : ` ${cleanLine(file)}`}\n`,
  );
  const changes = done.map(({ file, lines = [] }) =>
    lines.length === 0 ? "" : [`--- ${cleanLine(file)}`, ...lines, ""].join("\n"),
  );
  const files = done.map(({ host, file, what, failed }) => ({ host, file, what, ...(failed && { failed }) }));
  const found =
    words.length > 0 || flags.remove ? [] : [`Found ${listed(hosts)}: hooks and a skill for ${where(flags)}\n`];
  await cli.say({ files, asks }, [...found, ...said, ...changes, ...asks.map((ask) => `${ask}\n`)].join(""));
  const failed = done.find((one) => one.failed !== undefined)?.failed;
  return failed === undefined ? 0 : EXIT[failed];
}

function listed(hosts: readonly Host[]): string {
  const names = hosts.map(({ agent }) => agent);
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

function where({ user, dryRun }: Flags): string {
  return `${user ? "all your projects" : "this project"}${dryRun ? "; this is what would be written" : ""}`;
}

function groundOf({ io }: Cli, { user, byName }: Flags): Ground {
  const home = io.env.HOME ?? io.env.USERPROFILE;
  const state = stateFolder(io.env);
  if (!home || !state) throw new RelayError("usage", "Cannot set up: no home folder is known", { next: "set HOME" });
  const root = user ? home : (worktreeOf(io.cwd)?.root ?? io.cwd);
  const script = fs.realpathSync(io.script);
  const launcher = path.resolve(script, "../agent-relay-hook");
  const program = { launcher, script, platform: process.platform, ...(byName && { isNamed: true }) };
  const kept = new Backups(state, (text) => io.err(`note: ${cleanLine(text)}\n`));
  return { root, home, kept, stay: new Set(), program };
}

function hostsFor({ io }: Cli, words: readonly string[], flags: Flags): readonly Host[] {
  if (words.length > 0) return HOSTS.filter(({ agent }) => words.includes(agent));
  if (flags.remove) return HOSTS;
  const hasFolder = (name: string) => fs.existsSync(path.join(io.env.HOME ?? "", name));
  const found = HOSTS.filter(
    ({ programs, folders }) => programs.some((name) => isOnPath(name, io.env)) || folders.some(hasFolder),
  );
  if (found.length > 0) return found;
  throw new RelayError("not_found", `Cannot find any coding agent here: none of ${NAMES.join(", ")} is installed`, {
    next: "name one all the same: agent-relay setup claude",
  });
}

/** How to undo, by typing, what was typed for a host and is still there. */
function toTypeBack({ agent, mcp: { typed } }: HostSetup, { home }: Ground): string[] {
  if (!typed || !isMentioned(path.join(home, typed.file), typed.mark)) return [];
  return [`${agent} is still told of the MCP server. To end that, type: ${typed.undo}`];
}

/** Whether a file has `mark` in it. False for a file that cannot be read: it is no business of ours. */
function isMentioned(file: string, mark: string): boolean {
  try {
    return readText(file)?.includes(mark) === true;
  } catch (error) {
    if (error instanceof RelayError) return false;
    throw error;
  }
}

/** Puts what is ours into a file of a host, or takes it out. */
function setUp(what: string, { host, file, program, flags }: Site<Flags, HostSetup>, ground: Ground): Done {
  const act = () => carryOut(host, editFor(host, file, { ...ground, program }, flags), ground, flags);
  return { ...tried(what, file, act), ...(program.isNamed && { isShared: true }) };
}

/** Runs one step. A step that fails does not keep the others from running. */
function tried(host: string, file: string, act: () => Omit<Done, "host" | "file">): Done {
  try {
    return { host, file, ...act() };
  } catch (thrown) {
    const error = systemError(`set up "${file}"`, thrown);
    if (error instanceof RelayError) return { host, file, ...failure(error) };
    throw error;
  }
}

function failure({ code, message, next }: RelayError): Pick<Done, "what" | "failed"> {
  return { what: next === undefined ? message : `${message}; try: ${next}`, failed: code };
}

function editFor(host: HostSetup, file: string, { kept, program }: Ground, flags: Flags): FileEdit {
  const known = kept.of(file);
  if (flags.remove) return planRemoval(host, file, known);
  const value = { type: "command", command: lineCommand(program), padding: 0 };
  const statusLine = flags.statusLine ? { path: ["statusLine"], value } : undefined;
  return planSetup(host, file, {
    ...{ program, statusLine, kept: known },
    ...{ wakes: flags.wake, mcp: flags.mcp, hooks: !flags.noHooks },
  });
}

/** The program by its name, if any file calls it so. */
function widest(sites: readonly Site<Flags>[], { program }: Ground): Program {
  return sites.find((site) => site.program.isNamed)?.program ?? program;
}

/** What a person has to type where we write no MCP entry. */
function toType({ agent, mcp: { typed } }: HostSetup, program: Program, { mcp, user }: Flags): string[] {
  if (!mcp || !typed || (typed.when === "user" && !user)) return [];
  return [`To tell ${agent} of the MCP server, type: ${typed.command} ${serverWords(program).map(quoted).join(" ")}`];
}

/** What to do for a host whose own hooks cannot wake it. */
function cannotWake({ agent, waking, text, tell }: Host): string[] {
  if (waking || text) return [];
  const other = tell ? `; agent-relay daemon run --wake --agent ${agent} --session <id> can` : "";
  return [`No hook of ${agent} can wake it${other}`];
}

interface Work {
  /** The outcomes of the hosts so far. */
  readonly done: readonly Done[];
  readonly ground: Ground;
  readonly flags: Flags;
}

/**
 * Writes or removes the file of the skill. A file that another host still reads is left alone. Throws `corrupt` for a
 * file that is not ours, or was changed since we wrote it.
 */
function doSkill(file: string, isRead: (agent: string) => boolean, work: Work): Omit<Done, "host" | "file"> {
  const { ground, flags } = work;
  const before = readText(file);
  const kept = ground.kept.of(file);
  const isOurs = before === undefined || before === SKILL || sumOf(before) === kept?.after;
  if (!isOurs && flags.remove && !kept) return { what: "nothing of ours in" };
  if (!isOurs) {
    const why = kept ? "left alone, it was changed since setup wrote it" : "left alone, it is not ours";
    throw new RelayError("corrupt", `Cannot ${flags.remove ? "take out" : "write"} "${file}": ${why}`, {
      next: "move it away yourself",
    });
  }
  const readers = flags.remove ? readersLeft(isRead, work) : [];
  if (readers.length > 0 && before !== undefined) return { what: `left for ${readers.join(", ")}:` };
  return carryOut(undefined, { file, before, after: flags.remove ? undefined : SKILL }, ground, flags);
}

/** The hosts that are still set up here and read this skill. */
function readersLeft(isRead: (agent: string) => boolean, { done, ground, flags }: Work): string[] {
  const isGone = (agent: string) => done.some(({ host, failed }) => host === agent && failed === undefined);
  const left = HOSTS.filter((host) => !isGone(host.agent) && isSetUpIn(host, ground, flags));
  return left.map(({ agent }) => agent).filter(isRead);
}

function carryOut(
  host: HostSetup | undefined,
  edit: FileEdit,
  { kept, root, stay }: Ground,
  flags: Flags,
): Omit<Done, "host" | "file"> {
  const { file, before, after } = edit;
  if (!flags.user) checkWithin(file, root);
  const isSame = before === after;
  if (flags.dryRun) {
    const lines = diff(before ?? "", after ?? "").map(clean);
    if (!isSame) return { what: flags.remove ? "would be taken out of" : "would be written to", lines };
  } else if (flags.remove) {
    const { stays } = kept.of(file) ?? {};
    if (stays !== undefined) stay.add(stays);
    apply(edit);
    kept.drop(file);
    if (!isSame) removeEmptyFolders(path.dirname(file), root, stay);
  } else if (!isSame) kept.keep(keptAfter(host, edit, kept.of(file)), () => apply(edit));
  if (isSame) return { what: flags.remove ? "nothing of ours in" : "already in" };
  if (flags.remove) return { what: "taken out of" };
  return { what: before === undefined ? "made" : "added to" };
}

/** Makes the project's relay, or trusts it: hooks make none, and show nothing of one that a stranger made. */
async function makeRelay(cli: Cli): Promise<Done[]> {
  const host = "relay";
  try {
    const { relay } = await cli.openStrange();
    const file = relay.dir;
    const isNew = !fs.existsSync(file) || fs.readdirSync(file).length === 0;
    if (!isNew) {
      if (await relay.admin.isTrusted()) return [];
      const next = "ask the person who runs you to type: agent-relay trust";
      askForPerson(cli, relay.agent, `trust "${file}", which came from elsewhere`, next);
    }
    await relay.admin.trust();
    return isNew ? [] : [{ host, file, what: "trusted" }];
  } catch (error) {
    if (error instanceof RelayError) return [{ host, file: "", ...failure(error) }];
    throw error;
  }
}

/** Runs what is installed as its host would, in a folder with a relay of its own. */
async function check(cli: Cli, words: readonly string[], ground: Ground, flags: Flags): Promise<number> {
  const { io } = cli;
  const all = HOSTS.flatMap((host) => sitesOf(host, ground, flags)).filter((site) => !site.flags.remove);
  const meant = all.filter(({ host }) => words.length === 0 || words.includes(host.agent));
  const sites = all.filter(({ host, file }) => {
    if (flags.noHooks || (hasServersBeside(host) && hasServerAlone(host, file))) return false;
    const isKnown = isSetUpIn(host, ground, flags) || ground.kept.of(file) !== undefined;
    const isServerAlone = () =>
      host.mcp.projectFile !== undefined && isSetUpIn({ ...host, projectFile: host.mcp.projectFile }, ground, flags);
    return words.length === 0 ? isKnown : words.includes(host.agent) && (isKnown || !isServerAlone());
  });
  const doubled = HOSTS.flatMap((host) => sitesOf(host, ground, flags)).filter((site) => site.flags.remove);
  const folder = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), "agent-relay-check-"));
  try {
    // In a process with the environment that hooks get: whose relay it is depends on the environment.
    const args = [ground.program.script, "register", "--session", "check", "--dir", path.join(folder, ".relay")];
    const made = spawnSync(process.execPath, args, { cwd: folder, env: io.env, encoding: "utf8" });
    if (made.status !== 0) throw new RelayError("failed", `Cannot check: ${made.stderr || String(made.error)}`);
    const results = sites.flatMap(({ host, file, program }) => {
      const request: SetupRequest = { program, kept: ground.kept.of(file) };
      const found = checked(host, file, request, { folder, env: io.env });
      const off = switchedOff(host, ground.root, ground.home);
      return off === undefined
        ? found
        : [...found, { host: host.agent, command: off, fault: "hooks are switched off in it" }];
    });
    for (const { host, program } of meant) {
      const own = mcpFile(host, serverWords(program), flags.user === true) ?? host;
      const found =
        host.text && own === host
          ? undefined
          : await checkedServer(own, fileOf(own, ground, flags), { folder, env: io.env }, program);
      if (found) results.push(found);
    }
    if (results.length === 0)
      throw new RelayError("failed", `Cannot check: nothing of agent-relay is set up in "${ground.root}"`, {
        next: `agent-relay setup${flags.user ? " --user" : ""}`,
      });
    for (const { host, file } of doubled)
      results.push({
        host: host.agent,
        command: file,
        fault: "it is run beside the file of the team: run setup again",
      });
    const faults = results.filter(({ fault }) => fault !== undefined);
    const lines = results.map(
      ({ host, command, fault }) => `${host}: ${cleanLine(fault ?? "ok")}: ${cleanLine(command)}\n`,
    );
    await cli.say({ ok: faults.length === 0, results }, lines.join(""));
    for (const ask of flags.noHooks ? [] : callableByName(io.env, widest(sites, ground))) io.err(`note: ${ask}\n`);
    const ill = [...new Set(faults.map(({ host }) => host))].join(" ");
    if (faults.length > 0) io.err(`Try: agent-relay setup ${ill}${flags.user ? " --user" : ""}\n`);
    return faults.length === 0 ? 0 : 1;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
    dropProject(path.join(folder, ".relay"), io.env);
  }
}
