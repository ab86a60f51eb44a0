import { spawn } from "node:child_process";
import { errno, RelayError, systemError } from "../../errors.ts";
import type { Message } from "../../messages/message.ts";
import type { Relay } from "../../relay.ts";
import { messageLines, sessionsIn } from "../../render/messages.ts";
import { wordsOf } from "../../shell/words.ts";
import { throughOutages } from "../../store/outage.ts";
import { beginning, cleanLine, json } from "../../text.ts";
import { type Cli, refuseStrangers } from "../cli.ts";
import { defineVerb } from "../command.ts";
import { INTERRUPTED } from "../io.ts";

export const verb = defineVerb({
  name: "watch",
  about: "Show messages as they come, and mark them as read; or run a program for each.",
  flags: {
    "-e, --exec <program>":
      "run this with the message on stdin and in AGENT_RELAY_* variables; if it fails, the message stays unread for the next inbox or watch",
  },
  example: 'agent-relay watch --exec "notify-send Mail"',
  run: (cli, flags) => watch(cli, flags.exec),
});

async function watch(cli: Cli, exec: string | undefined): Promise<number> {
  if (cli.io.isUnheard && exec === undefined)
    throw new RelayError("usage", "Cannot watch: stdout is closed or the null device, where nobody reads a message", {
      next: 'give it to a program: agent-relay watch --exec "notify-send Mail"',
    });
  const end = new AbortController();
  cli.io.onInterrupt(() => end.abort());
  const { relay, found } = await cli.openWithStore();
  if (exec !== undefined) await refuseStrangers(found, true);
  const command = exec === undefined ? undefined : wordsOf(exec);
  if (command?.length === 0)
    throw new RelayError("usage", "Cannot watch: --exec names no program", { next: 'agent-relay watch --exec "cat"' });
  for await (const message of relay.watch({ signal: end.signal, mark: false })) {
    if (!command) await show(cli, relay, message, end.signal);
    else if (!(await handOver(cli, relay, message, command))) continue;
    await throughOutages(() => relay.messages.markRead(message.id), end.signal);
  }
  return INTERRUPTED;
}

async function show(cli: Cli, relay: Relay, message: Message, signal: AbortSignal): Promise<void> {
  const names = await throughOutages(() => relay.agents.names(sessionsIn([message])), signal);
  const lines = messageLines(message, relay.session ?? "", names, cli.now());
  await cli.io.out(cli.flags.json ? json(message) : cli.framed([lines]));
}

/** Runs the program for one message. No shell sees any of it. False if it failed. */
async function handOver(
  { io, flags, server }: Cli,
  relay: Relay,
  message: Message,
  [program = "", ...args]: string[],
): Promise<boolean> {
  const env = { ...io.env, ...variables(relay, server, message) };
  const child = spawn(program, args, { cwd: io.cwd, stdio: ["pipe", "inherit", "inherit"], env });
  child.stdin.on("error", () => {}); // a program need not read what it is given
  child.stdin.end(flags.json ? json(message) : message.content);
  const code = await new Promise<number | string>((resolve, reject) => {
    child.on("error", (error) => reject(cannotRun(program, error)));
    child.on("close", (status, signal) => resolve(status ?? signal ?? "unknown"));
  });
  if (code !== 0)
    io.err(`${cleanLine(message.id)} stays unread, for the next inbox or watch: ${program} ended with ${code}\n`);
  return code === 0;
}

function cannotRun(program: string, error: unknown): unknown {
  if (errno(error) !== "ENOENT") return systemError(`run "${program}"`, error);
  return new RelayError("not_found", `Cannot run "${program}": there is no such program`, {
    next: "give its path, as in --exec ./notify.sh",
  });
}

const MAX_VARIABLE_CHARS = 1000; // what a message says of itself has far fewer

function variables(relay: Relay, server: string | undefined, message: Message): Record<string, string> {
  const all = {
    ...(server === undefined ? { AGENT_RELAY_DIR: relay.dir } : { AGENT_RELAY_SERVER: server }),
    AGENT_RELAY_SESSION: relay.session ?? "",
    AGENT_RELAY_MESSAGE_ID: message.id,
    AGENT_RELAY_FROM: message.from_session,
    AGENT_RELAY_FROM_AGENT: message.from_agent,
    AGENT_RELAY_TO: message.to_session ?? "all",
    AGENT_RELAY_KIND: message.kind ?? "info",
    AGENT_RELAY_THREAD: message.thread ?? "",
    AGENT_RELAY_REPLY_TO: message.reply_to ?? "",
    AGENT_RELAY_PROOF: message.proof?.state ?? "",
    AGENT_RELAY_SSH_PROOF: message.proof?.ssh?.state ?? "",
    AGENT_RELAY_SIGNED_BY: message.proof?.state === "signed" ? (message.proof.by ?? "") : "",
  };
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => [name, beginning(value.replaceAll("\0", ""), MAX_VARIABLE_CHARS)]),
  );
}
