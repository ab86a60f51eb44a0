import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";
import pkg from "../../../package.json" with { type: "json" };
import { HOSTS } from "../../hosts.ts";
import { agentsOnMachine } from "../../machine.ts";
import { relayServer, WhenWritten } from "../../mcp/server.ts";
import { isSegment } from "../../store/key.ts";
import { cleanLine } from "../../text.ts";
import type { Cli } from "../cli.ts";
import { type Describe, verb } from "../verb.ts";

const LOOK_FOR_PARENT = 5000; // ms

export const describe: Describe = ({ Command }, act) =>
  new Command("mcp")
    .description(
      "Serve the relay as tools, by the Model Context Protocol, on stdin and stdout. Installed by setup --mcp.",
    )
    .addHelpText(
      "after",
      '\nExample: { "mcpServers": { "agent-relay": { "command": "agent-relay", "args": ["mcp"] } } }',
    )
    .action(() => act(mcp));

export const run = verb(describe);

/** Until whoever started it closes stdin, or is gone. */
async function mcp(cli: Cli): Promise<void> {
  const { io } = cli;
  const whenWritten = new WhenWritten();
  const transport = whenWritten.watch(new StdioServerTransport());
  const around = {
    ...{ version: pkg.version, now: io.now, whenWritten },
    machine: () => agentsOnMachine(io.env, ({ message }) => io.err(`${cleanLine(message)}\n`)),
    open: (told: string | undefined) =>
      cli.open(told === undefined || isNamed(cli) || !isSegment(told) ? {} : { session: told }),
  };
  await new Promise<void>((resolve) => {
    const served = serveStdio(() => relayServer(around), {
      transport,
      onerror: (error) => io.err(`${error.message}\n`),
    });
    const timer = setInterval(() => {
      if (!io.hasParent()) end();
    }, LOOK_FOR_PARENT);
    const end = () => {
      clearInterval(timer);
      whenWritten.end();
      resolve();
      served.close().catch((error: Error) => io.err(`${error.message}\n`));
    };
    process.stdin.once("end", end);
    process.stdin.once("close", end);
    io.onInterrupt(end);
  });
}

/** Whether the launch says which session this is, before any call does. */
function isNamed({ flags, io }: Cli): boolean {
  const names = ["AGENT_RELAY_SESSION", ...HOSTS.flatMap(({ sessionVariable }) => sessionVariable ?? [])];
  return flags.session !== undefined || names.some((name) => io.env[name]);
}
