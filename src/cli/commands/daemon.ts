import fs from "node:fs";
import path from "node:path";
import { killGroup, runChild } from "../../daemon/child.ts";
import { type DaemonDeps, daemons, KILL_SWITCH, runDaemon, seenInMemory, type WatchRule } from "../../daemon/daemon.ts";
import { DAEMON_LIMITS, type DaemonLimits } from "../../daemon/limits.ts";
import { isWorthWaking, nudgedMessages, WAKE_LIMITS } from "../../daemon/wake.ts";
import { formatDuration, parseDuration } from "../../duration.ts";
import { RelayError } from "../../errors.ts";
import { makeFolders } from "../../folders.ts";
import { claudeSocket, pokeClaude } from "../../hosts/claude-socket.ts";
import { HOSTS } from "../../hosts/hosts.ts";
import { NUDGE, PROMPT } from "../../hosts/prompts.ts";
import { tried } from "../../machine/install-service.ts";
import { type ServiceUnit, unitFor } from "../../machine/service-unit.ts";
import { stateFolder } from "../../machine/state-dir.ts";
import type { Relay } from "../../relay.ts";
import { cleanLine } from "../../text.ts";
import { dayOf, iso } from "../../time.ts";
import { type Cli, refuseStrangers } from "../cli.ts";
import { defineVerb } from "../command.ts";
import type { FlagsOf, FlagTable, WordTable } from "../flag-table.ts";
import { wholeNumber } from "../flags.ts";
import { untilInterrupted } from "../interrupt.ts";
import { installService, uninstallService } from "../service.ts";

const MAX_LOG_BYTES = 10 * 1024 * 1024; // then the log begins anew

/** A part that watches, with the limits of what it starts. */
const LIMITED = {
  words: { "[command...]": "what to start; without it, the host's own headless mode" },
  flags: {
    "--wake": "start nothing: wake the session where it is open, once for each message to it alone",
    "--cool-down <time>": "between two runs (default 1m, with --wake 10s)",
    "--daily <n>": "runs a day (default 50, with --wake 200)",
    "--limit <time>": "that one run may take (default 30m)",
  },
} as const satisfies { words: WordTable; flags: FlagTable };

type Flags = FlagsOf<typeof LIMITED.flags>;

export const verb = defineVerb({
  name: "daemon",
  about: "Start an agent when mail comes for its session, with nobody at the keyboard.",
  note: "The command is never given the text of a message. It runs with the host's permission prompts on.",
  example: 'agent-relay daemon run --session night -- claude -p "Do what came."',
  parts: [
    defineVerb({
      ...LIMITED,
      name: "run",
      about: "watch here, until interrupted",
      example: 'agent-relay daemon run --session night -- claude -p "Do what came."',
      run: (cli, flags, { command }) => runHere(cli, command, flags),
    }),
    defineVerb({
      ...LIMITED,
      name: "install",
      about: "watch from now on, also after a reboot: systemd's user manager, or launchd",
      example: 'agent-relay daemon install --session night -- claude -p "Do what came."',
      run: (cli, flags, { command }) => install(cli, command, flags),
    }),
    defineVerb({
      name: "nudge",
      about: "wake the session now: it is told that mail waits, and no more (Claude Code, Codex)",
      example: "agent-relay daemon nudge --session night",
      run: nudge,
    }),
    defineVerb({
      name: "uninstall",
      about: "watch no more",
      example: "agent-relay daemon uninstall --session night",
      run: uninstall,
    }),
    defineVerb({
      name: "status",
      about: "who is watched for, and what came of it",
      example: "agent-relay daemon status",
      run: status,
    }),
    defineVerb({
      name: "stop",
      about: "the kill switch: nothing is started in this project until `daemon go`",
      example: "agent-relay daemon stop",
      run: (cli) => setSwitch(cli, true),
    }),
    defineVerb({
      name: "go",
      about: "take the kill switch back",
      example: "agent-relay daemon go",
      run: (cli) => setSwitch(cli, false),
    }),
  ],
});

async function opened(cli: Cli) {
  const { relay, found } = await cli.openWithStore();
  await refuseStrangers(found, true);
  return { relay, store: found.store, dir: found.project.dir };
}

function commandFor({ io }: Cli, relay: Relay, words: readonly string[], flags: Flags): readonly string[] {
  const { agent, session = "" } = relay;
  if (flags.wake && words.length > 0)
    throw new RelayError("usage", "Cannot start a command with --wake: that starts nothing", {
      next: "leave one of them away",
    });
  const host = HOSTS.find((one) => one.agent === agent);
  const self = [process.execPath, path.resolve(io.script)];
  const waking = host?.hasSocket
    ? [...self, "daemon", "nudge", "--session", session, "--agent", agent]
    : host?.tell?.(session, NUDGE);
  const command = flags.wake ? waking : words.length > 0 ? words : host?.headless(PROMPT);
  if (command) return command;
  if (flags.wake)
    throw new RelayError("usage", `Cannot wake a session of ${agent} from outside`, {
      next: "for OpenCode: agent-relay setup opencode --wake",
    });
  throw new RelayError("usage", `Cannot tell what to start for "${relay.session}" (${relay.agent})`, {
    next: "agent-relay daemon run --session <session> --agent claude, or name a command after --",
  });
}

function limitsOf(flags: Flags): DaemonLimits {
  return {
    ...(flags.wake ? WAKE_LIMITS : DAEMON_LIMITS),
    ...(flags.coolDown !== undefined && { coolDown: parseDuration(flags.coolDown) }),
    ...(flags.daily !== undefined && { daily: wholeNumber(flags.daily, "--daily") }),
    ...(flags.limit !== undefined && { timeLimit: parseDuration(flags.limit) }),
  };
}

async function runHere(cli: Cli, words: readonly string[], flags: Flags): Promise<number | undefined> {
  const { io } = cli;
  const { relay, store } = await opened(cli);
  const session = relay.session ?? "";
  const watch: WatchRule = {
    command: commandFor(cli, relay, words, flags),
    limits: limitsOf(flags),
    isAgent: !flags.wake,
    isOnce: false,
    isMeant: flags.wake ? isWorthWaking(session) : () => true,
    known: flags.wake ? nudgedMessages(store, session) : seenInMemory(),
  };
  const file = logFile(cli, session);
  const deps: DaemonDeps = {
    ...{ relay, store, now: io.now },
    log(line) {
      const text = `${iso(io.now())} ${cleanLine(line)}\n`;
      io.err(text);
      appendTo(file, text);
    },
    start: (words, run) =>
      runChild(words, { cwd: io.cwd, env: { ...io.env, AGENT_RELAY_SESSION: relay.session }, log: file, run }),
    end: (pid) => killGroup(pid, "SIGKILL"),
  };
  return untilInterrupted(io, (signal) => runDaemon(deps, watch, signal));
}

function logFile({ io }: Cli, session: string): string {
  const state = stateFolder(io.env);
  if (!state) throw new RelayError("usage", "Cannot write a log: no home folder is known", { next: "set HOME" });
  makeFolders(state, 0o700);
  return path.join(state, `daemon-${session}.log`);
}

function appendTo(file: string, text: string): void {
  const isLarge = (fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0) > MAX_LOG_BYTES;
  fs.writeFileSync(file, text, { mode: 0o600, flag: isLarge ? "w" : "a" });
}

async function install(cli: Cli, words: readonly string[], flags: Flags): Promise<void> {
  const { relay, dir } = await opened(cli);
  const [program = ""] = commandFor(cli, relay, words, flags);
  if (!isProgram(program, cli))
    throw new RelayError("not_found", `Cannot install: there is no program "${program}"`, {
      next: "name the command after --, or add its folder to PATH",
    });
  limitsOf(flags);
  if (cli.server !== undefined && cli.io.env.AGENT_RELAY_TOKEN)
    throw new RelayError("usage", "Cannot install with AGENT_RELAY_TOKEN: its word would have to stand in a file", {
      next: `agent-relay login ${cli.server}, and then without it`,
    });
  const unit = unitOf(cli, relay, dir, words, flags);
  await installService(cli, unit);
}

function isProgram(name: string, { io }: Cli): boolean {
  const folders = name.includes("/") ? [io.cwd] : (io.env.PATH ?? "").split(path.delimiter);
  return folders.some((folder) => fs.statSync(path.resolve(folder, name), { throwIfNoEntry: false })?.isFile());
}

async function uninstall(cli: Cli): Promise<void> {
  const { relay, dir } = await opened(cli);
  const unit = unitOf(cli, relay, dir, [], {});
  await uninstallService(cli, unit, "agent-relay daemon status");
}

function unitOf(cli: Cli, relay: Relay, dir: string, words: readonly string[], flags: Flags): ServiceUnit {
  const { io, server } = cli;
  const home = io.env.HOME ?? io.env.USERPROFILE;
  if (!home) throw new RelayError("usage", "Cannot install: no home folder is known", { next: "set HOME" });
  const options = [
    ...(server === undefined ? ["--dir", dir] : ["--server", server]),
    ...["--session", relay.session ?? "", "--agent", relay.agent],
    ...(flags.wake ? ["--wake"] : []),
    ...(flags.coolDown === undefined ? [] : ["--cool-down", flags.coolDown]),
    ...(flags.daily === undefined ? [] : ["--daily", flags.daily]),
    ...(flags.limit === undefined ? [] : ["--limit", flags.limit]),
  ];
  const script = path.resolve(fs.realpathSync(io.script));
  const command = [
    process.execPath,
    script,
    "daemon",
    "run",
    ...options,
    ...(words.length === 0 ? [] : ["--", ...words]),
  ];
  return unitFor(process.platform, { home, path: io.env.PATH ?? "" }, relay.session ?? "", path.dirname(dir), command);
}

/** Wakes the session: Claude Code by the socket of its registered process, Codex by its own command. */
async function nudge(cli: Cli): Promise<void> {
  const { io } = cli;
  const { relay } = await opened(cli);
  const { session = "", agent } = relay;
  const found = (await relay.agents.list()).find((one) => one.session_id === session);
  if (!found || found.presence === "gone" || found.pid <= 0)
    throw new RelayError("not_found", `Cannot wake "${session}": no process of it runs`, {
      next: "agent-relay agents",
    });
  if (HOSTS.find((host) => host.agent === agent)?.hasSocket) {
    const folder = io.env.CLAUDE_CONFIG_DIR || path.join(io.env.HOME ?? io.env.USERPROFILE ?? "", ".claude");
    await pokeClaude(claudeSocket(folder, found.pid, session), NUDGE);
  } else {
    const failed = tried([commandFor(cli, relay, [], { wake: true })]);
    if (failed) throw new RelayError("failed", `Cannot wake "${session}": ${failed.command} failed: ${failed.why}`);
  }
  await cli.say(
    { session_id: session, nudged: true },
    `Told ${session} that mail waits; agent-relay inbox --session ${session} --peek shows whether it was read\n`,
  );
}

async function status(cli: Cli): Promise<void> {
  const { store } = await opened(cli);
  const now = cli.now();
  const all = await daemons(store, now);
  const isStopped = (await store.markedAt(KILL_SWITCH)) !== undefined;
  const lines = all.map((one) => {
    const today = one.day === dayOf(now) ? one.runs : 0;
    const last =
      one.last_at === undefined
        ? "never ran"
        : `last ${formatDuration(now - Date.parse(one.last_at))} ago${one.last_code === undefined ? ", still running" : `, ended with ${one.last_code}`}`;
    return `${one.session_id}: ${one.is_running ? `runs (pid ${one.pid})` : "does not run"}, ${today} runs today, ${last}: ${one.command.join(" ")}`;
  });
  const stopped = isStopped ? "The kill switch is set: agent-relay daemon go\n" : "";
  await cli.say({ stopped: isStopped, daemons: all }, stopped + lines.map((line) => `${cleanLine(line)}\n`).join(""));
  if (all.length === 0) cli.io.err("No daemon was ever run here\n");
}

async function setSwitch(cli: Cli, isStopped: boolean): Promise<void> {
  const { store, dir } = await opened(cli);
  if (isStopped) await store.mark(KILL_SWITCH);
  else await store.unmark(KILL_SWITCH);
  const words = isStopped
    ? `Stopped: ${path.join(dir, KILL_SWITCH)} is there. agent-relay daemon go takes it back`
    : "Nothing holds daemons back";
  await cli.say({ stopped: isStopped }, `${words}\n`);
}
