import { record } from "../activity/log.ts";
import { ensureRegistered } from "../agents/register.ts";
import type { Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { newId } from "../id.ts";
import { checkText, MAX_TEXT_BYTES } from "../limits.ts";
import { checkAllowance } from "../messages/rate-limit.ts";
import { send } from "../messages/send.ts";
import { eachReadable, parsedOrSkipped } from "../store/read.ts";
import { iso } from "../time.ts";
import { Decision } from "./decision.ts";

/** Records a decision for good, and broadcasts it. */
export async function decide(context: Context, content: string): Promise<Decision> {
  const text = checkText(content, "decide", MAX_TEXT_BYTES);
  await ensureRegistered(context);
  await checkAllowance(context);
  const { session, agent, store } = context;
  const now = context.now();
  const decision: Decision = {
    id: newId("decision", now),
    session_id: session,
    agent_id: agent,
    content: text,
    decided_at: iso(now),
  };
  await store.create(`decisions/${decision.id}`, decision);
  await record(context, { event: "decision", id: decision.id });
  try {
    await send(context, text, { kind: "decision" });
  } catch (error) {
    throw error instanceof RelayError ? untold(decision.id, error) : error;
  }
  return decision;
}

/** The error of a decision that is kept but was not broadcast: its caller must not decide it twice. */
function untold(id: string, cause: RelayError): RelayError {
  const why = cause.message.replace(/^Cannot send: /, "");
  return new RelayError(cause.code, `Cannot tell everyone of ${id}, which is decided and kept: ${why}`, {
    cause,
    next: `agent-relay send "see agent-relay explain ${id}"`,
  });
}

/** Every decision, the oldest first. */
export async function decisions(context: Context): Promise<Decision[]> {
  const found: Decision[] = [];
  const { store } = context;
  const read = (id: string) => parsedOrSkipped(store, `decisions/${id}`, Decision);
  for await (const [, decision] of eachReadable(store, await store.list("decisions"), read))
    if (decision) found.push(decision);
  return found;
}
