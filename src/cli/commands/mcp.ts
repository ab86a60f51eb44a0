import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";
import pkg from "../../../package.json" with { type: "json" };
import { MailPush } from "../../daemon/push.ts";
import { formatDuration, parseDuration } from "../../duration.ts";
import { RelayError } from "../../errors.ts";
import { checkTimeout } from "../../limits.ts";
import { HookCallers } from "../../machine/hook-callers.ts";
import { type ChannelOptions, type McpServerDeps, push, relayServer } from "../../mcp/server.ts";
import type { McpCaller } from "../../mcp/sessions.ts";
import { WrittenAnswers } from "../../mcp/transport.ts";
import { agentsOnMachine } from "../../open/machine.ts";
import { projectOf } from "../../open/open.ts";
import type { Relay } from "../../relay.ts";
import { isSegment } from "../../store/key.ts";
import type { Notice, Store } from "../../store/store.ts";
import { cleanLine } from "../../text.ts";
import type { Cli } from "../cli.ts";
import { defineVerb } from "../command.ts";
import type { FlagsOf, FlagTable } from "../flag-table.ts";

const PARENT_POLL_MS = 5000;
const WITHIN = 600_000; // ms; a person who is not at the keyboard needs minutes, and an agent that waits costs nothing

const FLAGS = {
  "--channel": "tell Claude Code of mail to it alone by its channel, which has to be allowed at its start",
  "--permission-from <who>":
    "with --channel: ask this person or session when Claude Code asks for permission; only their `allow` allows",
  "--within <duration>": `... who is waited for this long: silence denies. Default ${formatDuration(WITHIN)}`,
} as const satisfies FlagTable;

type Flags = FlagsOf<typeof FLAGS>;

export const verb = defineVerb({
  name: "mcp",
  about: "Serve the relay as tools, by the Model Context Protocol, on stdin and stdout. Installed by setup --mcp.",
  flags: FLAGS,
  example: "agent-relay setup --mcp",
  run: (cli, flags) => mcp(cli, channelOf(flags)),
});

function channelOf({ channel, permissionFrom: who, within }: Flags): ChannelOptions | undefined {
  if (who === undefined && within !== undefined)
    throw new RelayError("usage", "Cannot wait for nobody: --within needs --permission-from", {
      next: "agent-relay mcp --channel --permission-from <who>",
    });
  if (who !== undefined && !channel)
    throw new RelayError("usage", "Cannot be asked for permission without a channel", {
      next: `agent-relay mcp --channel --permission-from ${who}`,
    });
  if (who === undefined) return channel ? {} : undefined;
  return { supervisor: { who, within: checkTimeout(within === undefined ? WITHIN : parseDuration(within)) } };
}

/** Serves until the host closes stdin or is gone. */
async function mcp(cli: Cli, channel: ChannelOptions | undefined): Promise<void> {
  const { io } = cli;
  const answers = new WrittenAnswers();
  const over = new AbortController();
  const transport = answers.watch(new StdioServerTransport(), () => over.abort());
  const notices: string[] = [];
  const say = (error: Error) => io.err(`${cleanLine(error.message)}\n`);
  const opened = new OpenedRelays(cli);
  const deps: McpServerDeps = {
    ...{ version: pkg.version, now: io.now, answers },
    machine: () => agentsOnMachine(io, say),
    elsewhere: (words, { session, agent }) => cli.elsewhere(words, { agent, session }),
    changes: (relay, signal) => opened.storeOf(relay).watch(`inboxes/${relay.session}`, signal),
    onError: say,
    open: (caller) => opened.open(caller, ({ text }) => notices.push(text)),
    isCurrent: (relay) => opened.isCurrent(relay),
    isThere: () => cli.server !== undefined || projectOf(cli.openOptions()).exists,
    used: () => cli.done(),
    notices: () => notices.splice(0),
  };
  const ended = new Promise<void>((resolve) => {
    over.signal.addEventListener("abort", () => resolve());
  });
  const timer = setInterval(() => {
    if (!io.hasParent()) over.abort();
  }, PARENT_POLL_MS);
  process.stdin.once("end", () => over.abort());
  process.stdin.once("close", () => over.abort());
  io.onInterrupt(() => over.abort());
  if (channel) await serveChannel({ deps, opened, transport }, channel, over.signal);
  else serveStdio(() => relayServer(deps), { transport, onerror: say });
  await ended;
  clearInterval(timer);
  answers.end();
  await transport.close();
  process.stdin.destroy(); // the host may still hold it open, and nobody reads it any more
}

/** The relays that were opened for callers. A process may go on to another session than the one that it began with. */
class OpenedRelays {
  readonly #cli: Cli;
  readonly #callers: HookCallers;
  readonly #opened = new WeakMap<Relay, { readonly store: Store; readonly pid: number | undefined }>();

  constructor(cli: Cli) {
    this.#cli = cli;
    this.#callers = new HookCallers(cli.io.env);
  }

  async open({ session, client }: McpCaller, onNotice: (notice: Notice) => void): Promise<Relay> {
    const isTold = session !== undefined && isSegment(session) && !isNamed(this.#cli);
    const { relay, found } = await this.#cli.openStrange({ client, onNotice, session: isTold ? session : undefined });
    const pid = isTold || isNamed(this.#cli) ? undefined : found.identity.pid;
    this.#opened.set(relay, { store: found.store, pid });
    return relay;
  }

  storeOf(relay: Relay): Store {
    const store = this.#opened.get(relay)?.store;
    if (!store) throw new Error("a relay that was not opened here");
    return store;
  }

  async isCurrent(relay: Relay): Promise<boolean> {
    const pid = this.#opened.get(relay)?.pid;
    const [latest] = pid === undefined ? [] : this.#callers.of(pid);
    return latest === undefined || latest.session === relay.session;
  }

  /** Resolves when the caller's process has gone on to another session; never, where its calls name theirs. */
  async hasMovedOn(relay: Relay, signal: AbortSignal): Promise<void> {
    const pid = this.#opened.get(relay)?.pid;
    if (pid === undefined) return new Promise(() => {});
    return this.#callers.hasMovedOn(pid, relay.session ?? "", signal);
  }
}

interface Served {
  readonly deps: McpServerDeps;
  readonly opened: OpenedRelays;
  readonly transport: StdioServerTransport;
}

/** Serves by the protocol of 2025 alone: with a later one, Claude Code takes no server for a channel. */
async function serveChannel({ deps, opened, transport }: Served, channel: ChannelOptions, signal: AbortSignal) {
  const pushing = new MailPush({
    async open() {
      if (!deps.isThere()) return undefined;
      const relay = await deps.open({ client: server.server.getClientVersion()?.name });
      return { relay, store: opened.storeOf(relay) };
    },
    hasMovedOn: (relay, over) => opened.hasMovedOn(relay, over),
    push: (content, unread) => push(server, content, unread),
    now: deps.now,
    failed: deps.onError,
  });
  const used = () => {
    deps.used();
    pushing.look();
  };
  const server = relayServer({ ...deps, used }, channel);
  const arrive = server.server.oninitialized;
  server.server.oninitialized = () => {
    arrive?.();
    pushing.run(signal).catch(deps.onError);
  };
  await server.connect(transport);
}

/** Whether a flag or our own variable names the session. A host's variable may be inherited: a call knows better. */
function isNamed({ flags, io }: Cli): boolean {
  return flags.session !== undefined || Boolean(io.env.AGENT_RELAY_SESSION);
}
