import type { Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { spend } from "../rate.ts";

const SAVE_EVERY_MS = 1000; // a session that sends in a loop would else write two marks a message
const MINUTE_MS = 60_000;

/** A mark. Its time is when a person last sent a message: the chains of agents begin anew after it. */
export const PERSON_SPOKE = "stamps/person";

// The times of one session's sends, `context.pace`, are kept in two marks too, so that its other processes go on from
// there: `<session>.sent`, a logical time that grows with each message even when the clock steps back; and
// `<session>.rate`, when its spent allowance is whole again. Best effort: nothing is locked.

/** Reads the marks of the session's other processes, unless this process wrote them within the last second. */
export async function loadPace({ pace, store, session, now }: Context): Promise<void> {
  if (!isDue(pace, now())) return;
  const sent = await store.markedAt(`agents/${session}.sent`);
  pace.sent = sent === undefined ? pace.sent : Math.max(sent, pace.sent ?? 0);
  pace.spent = Math.max(pace.spent, (await store.markedAt(`agents/${session}.rate`)) ?? 0);
}

/** Throws `limit` if a send to one recipient would. For a caller that has work to do before it sends. */
export async function checkAllowance(context: Context): Promise<void> {
  await loadPace(context);
  spentAfter(context, 1);
}

/** Takes `count` messages from the allowance. Returns the logical time of the last message sent. Throws `limit`. */
export function spendAllowance(context: Context, count: number): number | undefined {
  context.pace.spent = spentAfter(context, count);
  return context.pace.sent;
}

function spentAfter({ pace, session, now, limits }: Context, count: number): number {
  // `spent` is farther ahead than any allowance reaches: the clock has stepped back.
  const before = pace.spent > now() + MINUTE_MS ? now() : pace.spent;
  const { spent, wait } = spend({ burst: limits.perMinute, period: MINUTE_MS }, before, now(), count);
  if (wait === 0) return spent;
  throw new RelayError("limit", `Cannot send: ${session} has sent ${limits.perMinute} messages in the last minute`, {
    next: "wait a few seconds",
    details: { retry_after_ms: Math.ceil(wait) },
  });
}

/**
 * Notes that a message was sent. Writes the marks for other processes if they are due, and always a logical time that
 * is ahead of the clock, which they could not guess.
 */
export async function noteSent({ pace, store, session, now }: Context, seq: number): Promise<void> {
  const time = now();
  const isDueNow = isDue(pace, time);
  pace.sent = Math.max(seq, pace.sent ?? 0);
  if (isDueNow || seq > time) await store.mark(`agents/${session}.sent`, seq);
  if (!isDueNow) return;
  pace.savedAt = time;
  await store.mark(`agents/${session}.rate`, pace.spent);
}

/** Whether the marks are worth reading or writing again. */
function isDue({ savedAt }: Context["pace"], now: number): boolean {
  return savedAt === undefined || Math.abs(now - savedAt) >= SAVE_EVERY_MS;
}
