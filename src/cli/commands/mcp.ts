import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";
import pkg from "../../../package.json" with { type: "json" };
import { MailPush } from "../../daemon/push.ts";
import { formatDuration, parseDuration } from "../../duration.ts";
import { RelayError } from "../../errors.ts";
import { checkTimeout } from "../../limits.ts";
import { type ChannelOptions, type McpServerDeps, push, relayServer } from "../../mcp/server.ts";
import { WrittenAnswers } from "../../mcp/transport.ts";
import { agentsOnMachine } from "../../open/machine.ts";
import type { Relay } from "../../relay.ts";
import { isSegment } from "../../store/key.ts";
import type { Store } from "../../store/store.ts";
import { cleanLine } from "../../text.ts";
import type { Cli } from "../cli.ts";
import { type Describe, verb } from "../command.ts";

const PARENT_POLL_MS = 5000;
const WITHIN = 600_000; // ms; a person who is not at the keyboard needs minutes, and an agent that waits costs nothing

interface Flags {
  readonly channel?: boolean;
  readonly permissionFrom?: string;
  readonly within?: string;
}

export const describe: Describe = ({ Command }, act) =>
  new Command("mcp")
    .description(
      "Serve the relay as tools, by the Model Context Protocol, on stdin and stdout. Installed by setup --mcp.",
    )
    .option("--channel", "tell Claude Code of mail to it alone by its channel, which has to be allowed at its start")
    .option(
      "--permission-from <who>",
      "with --channel: ask this person or session when Claude Code asks for permission; only their `allow` allows",
    )
    .option("--within <duration>", `... who is waited for this long: silence denies. Default ${formatDuration(WITHIN)}`)
    .addHelpText(
      "after",
      '\nExample: { "mcpServers": { "agent-relay": { "command": "agent-relay", "args": ["mcp"] } } }',
    )
    .action((flags: Flags) => act((cli) => mcp(cli, channelOf(flags))));

export const run = verb(describe);

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
  const stores = new WeakMap<Relay, Store>();
  const deps: McpServerDeps = {
    ...{ version: pkg.version, now: io.now, answers },
    machine: () => agentsOnMachine(io.env, say),
    changes(relay, signal) {
      const store = stores.get(relay);
      if (!store) throw new Error("a relay that was not opened here");
      return store.watch(`inboxes/${relay.session}`, signal);
    },
    onError: say,
    async open({ session, client }) {
      const { relay, found } = await cli.openWithStore({
        client,
        onNotice: ({ text }) => notices.push(text),
        ...(session !== undefined && isSegment(session) && !isNamed(cli) && { session }),
      });
      stores.set(relay, found.store);
      return relay;
    },
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
  if (channel) await serveChannel(cli, deps, transport, channel, over.signal);
  else serveStdio(() => relayServer(deps), { transport, onerror: say });
  await ended;
  clearInterval(timer);
  answers.end();
  await transport.close();
  process.stdin.destroy(); // the host may still hold it open, and nobody reads it any more
}

/** Serves by the protocol of 2025 alone: with a later one, Claude Code takes no server for a channel. */
async function serveChannel(
  cli: Cli,
  deps: McpServerDeps,
  transport: StdioServerTransport,
  channel: ChannelOptions,
  signal: AbortSignal,
) {
  const pushing = new MailPush({
    async open() {
      const { relay, found } = await cli.openWithStore();
      return found.project.exists ? { relay, store: found.store } : undefined;
    },
    push: (content, unread) => push(server, content, unread),
    now: cli.io.now,
    failed: deps.onError,
  });
  const used = () => {
    deps.used();
    pushing.look();
  };
  const server = relayServer({ ...deps, used }, channel);
  server.server.oninitialized = () => {
    pushing.run(signal).catch(deps.onError);
  };
  await server.connect(transport);
}

/** Whether a flag or our own variable names the session. A host's variable may be inherited: a call knows better. */
function isNamed({ flags, io }: Cli): boolean {
  return flags.session !== undefined || Boolean(io.env.AGENT_RELAY_SESSION);
}
