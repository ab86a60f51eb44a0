import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { errno, RelayError, systemError } from "../errors.ts";
import { object, optional, text } from "../schema.ts";
import { jsonText } from "../text.ts";

const SessionFile = object({ sessionId: optional(text()), messagingSocketPath: optional(text()) });

/**
 * The socket at which a process of Claude Code takes messages (2.1.330). The process names it in its session's file
 * below `folder`. Throws `not_found`.
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

/** Writes one message to Claude Code's socket. A message that is taken may still not reach the model. */
export function pokeClaude(socket: string, content: string): Promise<void> {
  const line = `${jsonText({ type: "user", message: { role: "user", content } })}\n`;
  return new Promise((resolve, reject) => {
    const failed = (error: unknown) => reject(systemError(`write to "${socket}"`, error));
    const connection = net.connect(socket, () => connection.end(line, resolve));
    connection.setTimeout(5000, () => connection.destroy(new Error("it took more than 5 s")));
    connection.on("error", failed);
    connection.resume();
  });
}
