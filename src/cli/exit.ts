import { type ErrorCode, errno, errorData, RelayError } from "../errors.ts";
import { frame } from "../render/frame.ts";
import { cleanLine, json } from "../text.ts";
import type { Io } from "./io.ts";

/** The exit code of each error, for all verbs. */
export const EXIT: Readonly<Record<ErrorCode, number>> = {
  failed: 1,
  corrupt: 1,
  usage: 2,
  not_found: 3,
  conflict: 4,
  timed_out: 5,
  refused: 6,
  limit: 7,
};

export interface FailOptions {
  readonly asJson: boolean;
  readonly isReadByPerson?: boolean | undefined;
  readonly verb?: string | undefined;
}

/** Says what went wrong and what to do next, and returns the exit code. */
export function fail(error: unknown, io: Io, { asJson, isReadByPerson = false, verb }: FailOptions): number {
  if (errno(error) === "EPIPE") return 0; // the reader has seen enough
  const known = error instanceof RelayError ? error : undefined;
  const message = known?.message ?? (error instanceof Error ? (error.stack ?? error.message) : String(error));
  const { code = "failed", next = known && nextAfter(known.code, verb) } = known ?? {};
  if (asJson) io.err(json({ error: known ? { ...errorData(known), next } : { code, message } }));
  else {
    const line = `${cleanLine(known ? message : `agent-relay has a bug: ${message}`)}\n`;
    const said = known?.quotesPeers && !isReadByPerson ? frame([line], `${code}: what went wrong,`) : line;
    io.err(`${said}${next === undefined ? "" : `Try: ${cleanLine(next)}\n`}`);
  }
  return EXIT[code];
}

/** What to try if the error itself does not say. */
function nextAfter(code: ErrorCode, verb = ""): string {
  if (code === "usage" || code === "limit")
    return ["agent-relay", ...(verb === "" ? ["help"] : [verb, "--help"])].join(" ");
  return code === "failed" || code === "corrupt" ? "agent-relay doctor" : "agent-relay status";
}
