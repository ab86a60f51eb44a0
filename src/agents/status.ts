import { record } from "../activity/log.ts";
import type { Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { checkText, MAX_STATUS_BYTES } from "../limits.ts";
import type { Value } from "../store/store.ts";
import { iso } from "../time.ts";
import { ensureRegistered } from "./register.ts";

function withStatus({ status: _, status_at: __, ...agent }: Value, status: string, status_at: string): Value {
  return status === "" ? agent : { ...agent, status, status_at };
}

/**
 * Sets this session's status: one line, which the others see beside its name; an empty one clears it. Throws `usage` for
 * several lines, `limit` for a long one.
 */
export async function setStatus(context: Context, line: string): Promise<void> {
  const status = line.trim() === "" ? "" : checkText(line, "say", MAX_STATUS_BYTES).trim();
  if (/[\r\n]/.test(status))
    throw new RelayError("usage", "Cannot say that as a status: it is one line", { next: 'agent-relay send "..."' });
  await ensureRegistered(context);
  const status_at = iso(context.now());
  await context.store.update(`agents/${context.session}`, (agent) => agent && withStatus(agent, status, status_at));
  await record(context, { event: "status", text: status });
}
