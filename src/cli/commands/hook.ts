import fs from "node:fs";
import path from "node:path";
import { readAgent } from "../../agents/registry.ts";
import { isOuters } from "../../agents/whoami.ts";
import { errno, RelayError } from "../../errors.ts";
import { makeFolders } from "../../folders.ts";
import { worktreeOf } from "../../git/repository.ts";
import { type HookIo, readCall, runHook } from "../../hooks/run.ts";
import { hostOf } from "../../hosts/detect.ts";
import type { HookCall } from "../../hosts/hook.ts";
import type { Host } from "../../hosts/host.ts";
import { HOSTS } from "../../hosts/hosts.ts";
import { NUDGE } from "../../hosts/prompts.ts";
import { ancestors } from "../../machine/ancestors.ts";
import { HookCallers, type HookSession } from "../../machine/hook-callers.ts";
import { hookLog } from "../../machine/hook-state.ts";
import { argumentsOf, place, statOf } from "../../machine/process.ts";
import { isOnPath } from "../../machine/programs.ts";
import { type FoundRelay, findRelay, relayFor } from "../../open/open.ts";
import type { Project } from "../../project/find.ts";
import { Relay } from "../../relay.ts";
import { quoted } from "../../shell/quote.ts";
import { isSegment } from "../../store/key.ts";
import { iso } from "../../time.ts";
import { defineVerb, runVerb } from "../command.ts";
import type { Io } from "../io.ts";
import { JsonObjectEnd } from "../json-end.ts";

const MAX_PAYLOAD_BYTES = 64 * 1024 * 1024; // a tool's whole output may be in it
const MAX_LOG_BYTES = 1024 * 1024; // then the log begins anew

const WAKE = "Wake"; // our own event: set up with --wake, for a host that lets a hook run in the background
const WOKEN = 2; // the exit code that such a host wakes its agent for
const HOST_POLL_MS = 5000;

const hosts = HOSTS.map(({ agent }) => agent);

export const verb = defineVerb({
  name: "hook",
  about: "Answer a hook of a coding agent: its payload on stdin, its reply on stdout. Installed by setup.",
  words: {
    "<host>": { about: "whose hook it is", choices: hosts },
    "[event]": "the event, for hosts whose payload does not name it",
  },
  note:
    "Always ends with exit code 0, and never holds its host up for more than 2 s. The event Wake is our own: it waits for " +
    "mail that is worth waking an idle agent for, then ends with exit code 2.",
  example: "agent-relay hook claude Stop <payload.json",
});

/** Reads its arguments itself: a mistake in them must not break the host either. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) return runVerb(verb, args, io);
  const [host, event] = args;
  return hook(io, host, event);
}

async function hook(io: Io, host: string | undefined, event: string | undefined): Promise<number> {
  const hookIo: HookIo = {
    env: io.env,
    input: () => payloadOf(io),
    whose: (call) => sessionOf(io, call),
    async out(text) {
      if (io.isUnheard) throw new RelayError("failed", "Cannot tell the host: stdout is closed or the null device");
      await io.out(text);
    },
    open: (call, of) => placeOf(io, call, of),
    log: (why) => log(io, why),
  };
  if (event === WAKE) return wake(io, host, hookIo);
  await runHook(host, event, hookIo);
  return 0;
}

/** What is left of the payload when the launcher has read its head: the launcher has waited for it already. */
function payloadOf({ env, input }: Io): Promise<string> {
  const end = new JsonObjectEnd();
  const isFromLauncher = env.AGENT_RELAY_HOOK_PARENT !== undefined;
  return input(MAX_PAYLOAD_BYTES, {
    head: env.AGENT_RELAY_HOOK_HEAD,
    isEnd: (bytes) => end.isIn(bytes),
    mayBlock: isFromLauncher,
  });
}

/** Whether somebody sits before the host. */
function isAttended(env: Io["env"], host: string | undefined): boolean {
  if (env.CLAUDE_CODE_SESSION_ATTENDED === "0") return false;
  const needed = HOSTS.find(({ agent }) => agent === host)?.wakesIf;
  return needed !== undefined && Object.entries(needed).every(([name, value]) => env[name] === value);
}

/** Never throws either: an error of a hook that waits in the background must not wake the agent. */
async function wake(io: Io, named: string | undefined, hookIo: HookIo): Promise<number> {
  const end = new AbortController();
  io.onInterrupt(() => end.abort());
  const timer = setInterval(() => {
    if (!io.hasParent()) end.abort();
  }, HOST_POLL_MS);
  try {
    if (!isAttended(io.env, named)) return 0; // that host would wait for us to end
    const { waitToWake } = await import("../../daemon/wake.ts");
    const { host, call } = await readCall(named, undefined, hookIo);
    const place = await hookIo.open(call, host);
    if (!place?.isTrusted) return 0;
    const deps = { relay: place.relay, store: place.store, now: io.now, log: () => {} };
    if (!(await waitToWake(deps, end.signal))) return 0;
    io.err(`${NUDGE}\n`);
    return WOKEN;
  } catch (error) {
    hookIo.log(`${WAKE}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return 0;
  } finally {
    clearInterval(timer);
  }
}

/**
 * The session of a call. AGENT_RELAY_SESSION names the session for the agent's shell too, so it is believed, unless it
 * is inherited from an agent that has started this one.
 */
async function sessionOf({ env, cwd }: Io, call: HookCall): Promise<string> {
  const { AGENT_RELAY_SESSION: given } = env;
  if (!given || given === call.session) return call.session;
  const options = { env, cwd: path.resolve(cwd, call.cwd) };
  const { project, store } = await findRelay({ ...options, session: given });
  const owner = project.exists ? await readAgent(store, "agents", given) : undefined;
  return owner && isOuters(owner, ancestors(), place()) ? call.session : given;
}

/** The relay of a call's session: the one that it has registered in, wherever its shell stands by now. */
async function placeOf(io: Io, call: HookCall, { agent }: Host) {
  const { session, cwd } = call;
  const { env, now } = io;
  const callers = new HookCallers(env);
  const parent = Number(env.AGENT_RELAY_HOOK_PARENT) || undefined;
  const noted = parent === undefined ? undefined : callers.of(parent).find((one) => one.session === session)?.relay;
  const folder = projectFolder(path.resolve(io.cwd, cwd), env);
  const onNotice = ({ text }: { text: string }) => log(io, text);
  const dir = noted && isFolder(noted) && !env.AGENT_RELAY_DIR && !env.AGENT_RELAY_SERVER ? noted : undefined;
  const options = { env, now, session, agent, cwd: folder, onNotice, dir };
  const first = await findRelay(options);
  const met = first.project.exists ? [] : companions(call, first.project, { callers, parent });
  if (!first.project.exists && met.length === 0) return undefined;
  for (const { session: other, pid } of met) await registerFor(first, { session: other, pid, cwd: folder });
  const found = met.length === 0 ? first : await findRelay(options);
  const { project, store } = found;
  const relay = relayFor(found, options, (dir, more) => new Relay(dir, more));
  const as = (other: string) => new Relay(project.dir, { session: other, agent, cwd: folder, store, now: found.now });
  const isTrusted = await relay.admin.isTrusted();
  const keepsClaims = (env.AGENT_RELAY_KEEP_CLAIMS ?? "") !== "";
  const command = isOnPath("agent-relay", env) ? undefined : quoted(io.script);
  return {
    relay,
    as,
    store,
    project: path.dirname(project.dir),
    now,
    isTrusted,
    keepsClaims,
    pid: found.identity.pid,
    parent,
    callers,
    command,
  };
}

/**
 * In a repository that has no relay yet: the sessions of other processes that began there too. The first that begins is noted,
 * and makes no relay; with the second there is somebody to talk to.
 */
function companions(
  { moment, isSubagent, session }: HookCall,
  { dir }: Project,
  { callers, parent }: { readonly callers: HookCallers; readonly parent: number | undefined },
): HookSession[] {
  if (parent === undefined || isSubagent || worktreeOf(path.dirname(dir)) === undefined) return [];
  if (moment.at === "end") callers.forget(session, parent);
  if (moment.at !== "start") return [];
  const relay = path.resolve(dir);
  callers.note({ pid: parent, session, relay });
  return callers.in(relay).filter((one) => one.pid !== parent && one.session !== session && isSegment(one.session));
}

/** Registers a session that does not know of the relay yet. Without a sign of life its next hook is as its first. */
async function registerFor({ project, store }: FoundRelay, other: { session: string; pid: number; cwd: string }) {
  const agent = hostOf(statOf(other.pid)?.name ?? "", argumentsOf(other.pid))?.agent ?? "agent";
  await new Relay(project.dir, { ...other, agent, store }).agents.register();
  await store.unmark(`agents/${other.session}.seen`);
}

/** The folder that a session works in: where its host was started, if its shell has gone to another repository. */
function projectFolder(cwd: string, { CLAUDE_PROJECT_DIR: started }: Io["env"]): string {
  if (!started || !isFolder(started)) return cwd;
  return worktreeOf(cwd)?.repository === worktreeOf(started)?.repository ? cwd : started;
}

function isFolder(folder: string): boolean {
  return fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Why a hook said nothing, for a person to look up: `hook.log` in the user's state folder. */
function log({ env, now }: Io, why: string): void {
  const file = hookLog(env);
  if (!file) return;
  try {
    makeFolders(path.dirname(file), 0o700);
    const isLarge = (fs.lstatSync(file, { throwIfNoEntry: false })?.size ?? 0) > MAX_LOG_BYTES;
    fs.writeFileSync(file, `${iso(now())} ${why}\n`, { mode: 0o600, flag: isLarge ? "w" : "a" });
  } catch (error) {
    if (errno(error) === undefined) throw error; // nowhere to write it: the host still goes on
  }
}
