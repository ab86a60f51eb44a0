import fs from "node:fs";
import path from "node:path";
import type { Claim } from "../../claims/claim.ts";
import { askCommand } from "../../claims/wording.ts";
import { formatLeft } from "../../duration.ts";
import { RelayError } from "../../errors.ts";
import {
  type GuardedWorktree,
  guardedWorktrees,
  HOOKS,
  type Hook,
  installHooks,
  isPartOfProject,
  removeHooks,
} from "../../git/hooks.ts";
import { git, gitOfCommit, gitReading, names } from "../../git/run.ts";
import type { Relay } from "../../relay.ts";
import { quoted } from "../../shell/quote.ts";
import { cleanLine, inQuotes } from "../../text.ts";
import { type Cli, refuseStrangers } from "../cli.ts";
import { defineVerb } from "../command.ts";
import { EXIT } from "../exit.ts";
import type { Io } from "../io.ts";

const MAX_PUSHED_BYTES = 16 * 1024 * 1024; // what git says of each branch and tag that is pushed

/** By hook: what git did although AGENT_RELAY_GUARD=off passed claims over, and how to leave a file out of it. */
const ABOUT: Readonly<Record<Hook, { did: string; leave: (file: string) => string }>> = {
  "pre-commit": { did: "committed", leave: (file) => `, or git restore --staged ${file}` },
  "pre-merge-commit": { did: "merged", leave: () => ", or git merge --abort" },
  "pre-push": { did: "pushed", leave: () => "" },
};

export const verb = defineVerb({
  name: "guard",
  about: "Refuse commits of files that another agent has claimed, by a git hook.",
  note:
    "Only a claim of another holds a commit up: where claims cannot be looked at, it goes on, and a line says why.\n" +
    "Once, all the same, and on record: AGENT_RELAY_GUARD=off git commit",
  example: "agent-relay guard install",
  parts: [
    defineVerb({
      name: "install",
      about: "put the hooks where git looks for them; one that is there is called first",
      example: "agent-relay guard install",
      flags: { "--push": "also before a push" },
      note: "Install it again when a hook manager has written its own hooks anew.",
      run: (cli, { push = false }) => install(cli, push),
    }),
    defineVerb({
      name: "remove",
      about: "take them away; what was there before is there again",
      example: "agent-relay guard remove",
      run: remove,
    }),
    defineVerb({
      name: "status",
      about: "say in which worktrees it is active; exit code 3: not in this one",
      example: "agent-relay guard status",
      run: status,
    }),
    defineVerb({
      name: "check",
      about: "what the hooks run: exit code 4 if a file is claimed by another",
      example: "agent-relay guard check pre-commit",
      words: {
        "[hook]": { about: "which hook asks (default pre-commit)", choices: HOOKS },
        "[remote]": "for pre-push, whose stdin says what is pushed: where to",
      },
      run: (cli, _, { hook = "pre-commit", remote }) => check(cli, hook, remote),
    }),
  ],
});

async function install(cli: Cli, withPush: boolean): Promise<void> {
  const hooks = HOOKS.filter((hook) => withPush || hook !== "pre-push");
  const files = installHooks(cli.io.cwd, hooks, { program: fs.realpathSync(cli.io.script), refusal: EXIT.conflict });
  await cli.say({ files }, files.map((file) => `Installed ${cleanLine(file)}\n`).join(""));
  const [here, ...others] = guardedWorktrees(cli.io.cwd);
  for (const file of files.filter((each) => here && isPartOfProject(here.root, each)))
    cli.io.err(`note: ${cleanLine(file)} is a part of the project, and has paths of this machine: do not commit it\n`);
  for (const other of others.filter(({ hooks: there }) => hooks.some((hook) => !there.includes(hook))))
    cli.io.err(`note: not active in ${cleanLine(other.root)}, which has hooks of its own: ${installIn(other)}\n`);
}

function installIn({ root }: GuardedWorktree): string {
  return `cd ${quoted(root)} && agent-relay guard install`;
}

/** In which worktrees git runs the guard. Exit code 3: not in this one. */
async function status(cli: Cli): Promise<number> {
  const found = guardedWorktrees(cli.io.cwd);
  const line = (one: GuardedWorktree) =>
    one.hooks.length === 0
      ? `${cleanLine(one.root)}: not active: ${installIn(one)}\n`
      : `${cleanLine(one.root)}: active, ${one.hooks.join(" ")} in ${cleanLine(one.folder)}\n`;
  await cli.say(found, found.map(line).join(""));
  return (found[0]?.hooks.length ?? 0) > 0 ? 0 : EXIT.not_found;
}

async function remove(cli: Cli): Promise<void> {
  const files = removeHooks(cli.io.cwd);
  await cli.say(
    { files },
    files.map((file) => `Removed ${cleanLine(file)}\n`).join("") || "There was no hook of ours\n",
  );
}

/** Refuses a true conflict alone. Any other failure is reported, and git goes on. */
async function check(cli: Cli, hook: Hook, remote: string | undefined): Promise<number> {
  try {
    const root = git(cli.io.cwd, "rev-parse", "--show-toplevel").replace(/\n$/, "");
    const files = hook === "pre-push" ? await pushed(cli.io, root, remote) : staged(root);
    const { relay, found } = await cli.openStrange();
    await refuseStrangers(found, true); // what it says of claims reaches the agent that commits
    if (files.length === 0 || (cli.server === undefined && !isThere(relay.dir))) return 0;
    const held = await heldByOthers(cli.io, relay, root, files);
    if (held.length === 0) return 0;
    if (cli.io.env.AGENT_RELAY_GUARD === "off") {
      await passOver(cli.io, relay, hook, held);
      return 0;
    }
    refuse(cli.io, hook, held);
    return EXIT.conflict;
  } catch (error) {
    notChecked(cli.io, "claims were", error);
    return 0;
  }
}

interface Held {
  readonly file: string;
  /** Who has claimed it, until when, and why. */
  readonly says: string;
}

async function heldByOthers(io: Io, relay: Relay, root: string, files: readonly string[]): Promise<Held[]> {
  const held: Held[] = [];
  for (const file of files)
    for (const claim of await claimsOfOthers(io, relay, root, file)) {
      const who = (await relay.agents.names([claim.session_id])).get(claim.session_id) ?? claim.session_id;
      const why = claim.reason === undefined ? "" : `: ${inQuotes(claim.reason)}`;
      const left = formatLeft(Date.parse(claim.expires_at) - io.now());
      held.push({ file, says: `${file} is claimed by ${who} for ${left} more${why}` });
    }
  return held;
}

async function claimsOfOthers(io: Io, relay: Relay, root: string, file: string): Promise<readonly Claim[]> {
  try {
    const found = await relay.claims.check([`./${file}`], { cwd: root, exact: true });
    return found.is_mine ? [] : found.claims.filter(({ session_id }) => session_id !== relay.session);
  } catch (error) {
    if (!(error instanceof RelayError) || error.code !== "usage") throw error;
    notChecked(io, `${file} was`, error); // such a name cannot be claimed either; the other files are still checked
    return [];
  }
}

async function passOver(io: Io, relay: Relay, hook: Hook, held: readonly Held[]): Promise<void> {
  const files = held.map(({ file }) => file).join(", ");
  const passed = `agent-relay: ${held.length} claims of others were passed over`;
  try {
    await relay.activity.note(`${ABOUT[hook].did} what others have claimed, by AGENT_RELAY_GUARD=off: ${files}`);
    io.err(`${passed}, which is on record\n`);
  } catch (error) {
    io.err(`${passed}, which could not be put on record: ${sentence(error)}\n`);
  }
}

function refuse(io: Io, hook: Hook, held: readonly Held[]): void {
  for (const { says } of held) io.err(`agent-relay: ${cleanLine(says)}\n`);
  const file = fromHere(io, held[0]?.file ?? "");
  const ways = cleanLine(`${askCommand([file])}${ABOUT[hook].leave(quoted(file))}`);
  io.err(`Try: ${ways}; AGENT_RELAY_GUARD=off passes it over once\n`);
}

/** A file of the worktree, as it is typed in the folder where git was called: git runs its hooks at the top. */
function fromHere({ env }: Io, file: string): string {
  return path.posix.relative(`/${env.GIT_PREFIX ?? ""}`, `/${file}`);
}

function notChecked(io: Io, what: string, error: unknown): void {
  io.err(`${cleanLine(`agent-relay: ${what} not checked: ${sentence(error)}`)}\n`);
}

/** What went wrong and what to do next, in a line. */
function sentence(error: unknown): string {
  const next = error instanceof RelayError ? error.next : undefined;
  return `${error instanceof Error ? error.message : error}. Try: ${next ?? "agent-relay doctor"}`;
}

function staged(root: string): string[] {
  return names(gitOfCommit(root, "diff", "--cached", "--name-only", "--no-renames", "-z"));
}

/** The files changed by the pushed commits that the remote lacks; if typed by hand, by those of this branch. */
async function pushed(io: Io, root: string, remote: string | undefined): Promise<string[]> {
  const refs = io.isTerminal ? [] : refsIn(await io.input(MAX_PUSHED_BYTES));
  const news = io.isTerminal ? ["HEAD"] : refs.map(({ local }) => local).filter(isCommit);
  if (news.length === 0) return [];
  const known = refs.map(({ there }) => there).filter(isCommit);
  // A URL without a name has no remote-tracking branches: those of all remotes stand for what it has.
  const isNamed = remote !== undefined && git(root, "remote").split("\n").includes(remote);
  const had = [...known, isNamed ? `--remotes=${remote}` : "--remotes"];
  const commits = git(root, "rev-list", "--ignore-missing", ...news, "--not", ...had);
  const how = ["--stdin", "--root", "-c", "-r", "--name-only", "--no-renames", "--no-commit-id", "-z"];
  return [...new Set(names(gitReading(commits, root, "diff-tree", ...how)))];
}

/** Git's lines to the hook: `<local ref> <local oid> <remote ref> <remote oid>`. */
function refsIn(text: string): { local: string; there: string }[] {
  return [...text.matchAll(/^.* ([0-9a-f]{40,}) \S+ ([0-9a-f]{40,})$/gm)].map(([, local = "", there = ""]) => ({
    local,
    there,
  }));
}

/** False for zeros: git writes them for a ref that is to be deleted, and for one that the remote lacks. */
function isCommit(id: string): boolean {
  return !/^0+$/.test(id);
}

function isThere(file: string): boolean {
  return fs.lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}
