import type { Limits } from "../context.ts";
import { RelayError } from "../errors.ts";
import type { Store } from "../store/store.ts";

const SAVE_EVERY = 1000; // ms; a session that sends in a loop would else write two marks a message

/** Its time says when a person last sent anything: what agents then answer begins anew. */
export const PERSON_SPOKE = "stamps/person";

/**
 * The times of one session's sends. They are kept in two marks, so that its other processes go on from there:
 * `<session>.sent`, a logical time that grows with each message even when the clock steps back; and `<session>.rate`, the
 * time at which its spent allowance is whole again (the generic cell rate algorithm). Best effort: nothing is locked.
 */
export class Pace {
  #sent: number | undefined;
  #spent = 0;
  #savedAt: number | undefined;

  /** Whether the marks are worth reading or writing again. */
  isDue(now: number): boolean {
    return this.#savedAt === undefined || Math.abs(now - this.#savedAt) >= SAVE_EVERY;
  }

  /** Takes over what other processes of the session have noted. */
  async load(store: Store, session: string): Promise<void> {
    const sent = await store.markedAt(`agents/${session}.sent`);
    this.#sent = sent === undefined ? this.#sent : Math.max(sent, this.#sent ?? 0);
    this.#spent = Math.max(this.#spent, (await store.markedAt(`agents/${session}.rate`)) ?? 0);
  }

  /** Throws `limit` where `spend` would. */
  check(session: string, now: number, limits: Limits, count: number): void {
    const before = this.#spent;
    this.spend(session, now, limits, count);
    this.#spent = before;
  }

  /** Takes `count` messages from the allowance. Returns the logical time of the last message. Throws `limit`. */
  spend(session: string, now: number, limits: Limits, count: number): number | undefined {
    // Farther ahead than any allowance: the clock has stepped back.
    const from = this.#spent > now + 60_000 ? now : Math.max(now, this.#spent);
    const spent = from + (count * 60_000) / limits.perMinute;
    if (spent - now > 60_000)
      throw new RelayError(
        "limit",
        `Cannot send: ${session} has sent ${limits.perMinute} messages in the last minute`,
        { next: "wait a few seconds" },
      );
    this.#spent = spent;
    return this.#sent;
  }

  /** Notes the logical time of a message that was sent. */
  sent(seq: number): void {
    this.#sent = seq;
  }

  /** Notes for other processes what is due, and a logical time that is ahead of the clock, which they could not guess. */
  async save(store: Store, session: string, now: number): Promise<void> {
    const isDue = this.isDue(now);
    if (this.#sent !== undefined && (isDue || this.#sent > now)) await store.mark(`agents/${session}.sent`, this.#sent);
    if (!isDue) return;
    this.#savedAt = now;
    await store.mark(`agents/${session}.rate`, this.#spent);
  }
}
