import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { errno, RelayError, systemError } from "../errors.ts";
import { Memory } from "../hooks/memory.ts";
import { asks, type Message } from "../message.ts";
import { object, optional, text } from "../schema.ts";
import type { Store } from "../store/store.ts";
import { type Hands, type Known, runDaemon } from "./daemon.ts";
import type { DaemonLimits } from "./rules.ts";

/** All that an idle agent is woken with. What came is told by its hooks, or by its inbox. */
export const NUDGE = "Mail waits for you in this project's agent-relay. If you do not see it here: agent-relay inbox";

/** Gives an agent that is at work 2 s to see the mail by itself. */
export const WAKE_LIMITS: DaemonLimits = { coolDown: 10_000, daily: 200, timeLimit: 30_000, settle: 2000 };

/** Only what is for one alone, or asks for something, is worth a turn of the model. */
export function isWorthWaking(session: string): (message: Message) => boolean {
  return (message) => message.to_session === session || asks(message);
}

/** An agent is woken once for a message, by whichever way. */
export function nudgedFor(store: Store, session: string): Known {
  const memory = new Memory(store, session);
  return {
    ids: () => memory.ids("nudged"),
    async add(ids) {
      for (const id of ids) await memory.note("nudged", id);
    },
  };
}

/**
 * Waits for mail that is worth waking the session for. Returns whether it came: no other waits for it any more then. False
 * at once where another watches for this session.
 */
export async function waitToWake(hands: Omit<Hands, "start" | "end">, signal: AbortSignal): Promise<boolean> {
  const session = hands.relay.session ?? "";
  let hasCome = false;
  const start = async () => {
    hasCome = true;
    return { code: 0, wasCut: false };
  };
  const watch = { command: ["wakes", session], limits: WAKE_LIMITS, isAgent: false, isOnce: true };
  try {
    await runDaemon(
      { ...hands, start, end: () => {} },
      { ...watch, isMeant: isWorthWaking(session), known: nudgedFor(hands.store, session) },
      signal,
    );
  } catch (error) {
    if (!signal.aborted && !(error instanceof RelayError && error.code === "conflict")) throw error;
  }
  return hasCome;
}

/** The command that wakes a session of this host; `self` runs agent-relay. Undefined where none can from outside. */
export function wakingCommand(agent: string, session: string, self: readonly string[]): string[] | undefined {
  if (agent === "codex") return ["codex", "queue", "--thread", session, "--message", NUDGE];
  return agent === "claude" ? [...self, "daemon", "nudge", "--session", session, "--agent", agent] : undefined;
}

const SessionFile = object({ sessionId: optional(text()), messagingSocketPath: optional(text()) });

/**
 * The socket at which a process of Claude Code takes messages (2.1.330), from the file that it keeps of its session below
 * `folder`. Throws `not_found`.
 */
export function claudeSocket(folder: string, pid: number, session: string): string {
  const file = path.join(folder, "sessions", `${pid}.json`);
  try {
    const found = SessionFile.parse(JSON.parse(fs.readFileSync(file, "utf8")), file);
    const socket = found.messagingSocketPath ?? "";
    if (path.isAbsolute(socket) && (found.sessionId ?? session) === session) return socket;
  } catch (error) {
    if (errno(error) !== "ENOENT" && !(error instanceof SyntaxError) && !(error instanceof RelayError))
      throw systemError(`read "${file}"`, error);
  }
  throw new RelayError("not_found", `Cannot wake pid ${pid}: ${file} names no socket for "${session}"`, {
    next: "agent-relay setup claude --wake, which needs none",
  });
}

/** Writes one message to Claude Code's socket. That it was taken says nothing of whether the model will see it. */
export function pokeClaude(socket: string, content: string): Promise<void> {
  const line = `${JSON.stringify({ type: "user", message: { role: "user", content } })}\n`;
  return new Promise((resolve, reject) => {
    const failed = (error: unknown) => reject(systemError(`write to "${socket}"`, error));
    const connection = net.connect(socket, () => connection.end(line, resolve));
    connection.setTimeout(5000, () => connection.destroy(new Error("it took more than 5 s")));
    connection.on("error", failed);
    connection.resume();
  });
}
