import { type Context, parsedOrSkipped } from "./context.ts";
import { RelayError } from "./errors.ts";
import { newNonce } from "./id.ts";
import { SHOW_LEASE } from "./inbox.ts";
import { liveness, thisProcess } from "./place.ts";
import { integer, object, optional, text } from "./schema.ts";
import type { Value } from "./store/store.ts";

const Lease = object({
  holder: text(),
  /** Counts renewals: a lease that stands still for 5 s is abandoned, whatever the clocks say. */
  turn: integer(),
  pid: integer(),
  started: optional(integer()),
  place: text(),
});

/** The right to show a session's mail. */
export interface ShowLease {
  release(): Promise<void>;
}

const LOOK_AGAIN = 20; // ms

/**
 * Takes the right to show a session's mail, so that two readers of one session show nothing twice. It is renewed until
 * `release`. A holder that died gives way at once, one that stopped after 5 s.
 * Throws `conflict` if another holds it for longer than `patience` (ms).
 */
export async function takeShowLease(context: Context, patience: number): Promise<ShowLease> {
  const { store, session } = context;
  const key = `shows/${session}`;
  const start = performance.now();
  const mine = { holder: newNonce(), turn: 0, ...thisProcess() };
  let seen = "";
  let since = start;
  while (!(await store.create(key, mine, { lasting: false }))) {
    const other = await parsedOrSkipped(store, key, Lease);
    if (other === undefined) continue;
    const now = performance.now();
    if (seen !== `${other.holder} ${other.turn}`) since = now;
    seen = `${other.holder} ${other.turn}`;
    if (now - since > SHOW_LEASE || liveness({ ...other, started: other.started }) === "dead") {
      const isAsSeen = (current: Value) => `${current.holder} ${current.turn}` === seen;
      const taken = await store.update(key, (current) => (!current || isAsSeen(current) ? mine : current), {
        lasting: false,
      });
      if (taken?.holder === mine.holder) break;
    } else if (now - start > patience) {
      throw new RelayError("conflict", `Cannot show the mail of "${session}": process ${other.pid} is showing it`, {
        next: "run it again in a moment, or agent-relay inbox --peek",
      });
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
  }

  let turn = 0;
  let renewal: Promise<unknown> = Promise.resolve();
  const renew = () => {
    turn++;
    const next = { ...mine, turn };
    renewal = store.update(key, (current) => (current?.holder === mine.holder ? next : current), {
      lasting: false,
    });
    renewal.catch(() => clearInterval(timer)); // the disk said no: the lease then runs out, which others can bear
  };
  const timer = setInterval(renew, SHOW_LEASE / 2);
  timer.unref();
  return {
    async release() {
      clearInterval(timer);
      await Promise.allSettled([renewal]);
      await store.update(key, (current) => (current?.holder === mine.holder ? undefined : current), {
        lasting: false,
      });
    },
  };
}
