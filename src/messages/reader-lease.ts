import type { Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { newNonce } from "../id.ts";
import { ancestors } from "../machine/ancestors.ts";
import { liveness, place as thisPlace, thisProcess } from "../machine/process.ts";
import { type Infer, integer, object, optional, text } from "../schema.ts";
import { parsedOrSkipped } from "../store/read.ts";
import type { Value } from "../store/store.ts";
import { sleep, steady } from "../time.ts";
import { READER_LEASE_MS } from "./message-state.ts";

const Lease = object({
  holder: text(),
  /** Counts renewals: a lease that stands still for 5 s is abandoned, whatever the clocks say. */
  turn: integer(),
  pid: integer(),
  started: optional(integer()),
  place: text(),
});
type Lease = Infer<typeof Lease>;

/** The right to show a session's mail. */
export interface ReaderLease {
  release(): Promise<void>;
}

const LEASE_POLL_MS = 20;

/** Whether the holder started this process: then it shows the session's mail by running us. */
function isAbove({ pid, started, place }: Lease): boolean {
  return place === thisPlace() && ancestors().some((above) => above.pid === pid && above.started === started);
}

/**
 * Takes the right to show a session's mail, so that two readers of one session show nothing twice. The lease is renewed
 * until `release`. A holder that died loses it at once, one that stopped after 5 s. A process that the holder started
 * reads under the holder's lease. Throws `conflict` if another holds it for longer than `patience` (ms), and the reason of `signal`.
 */
export async function takeReaderLease(context: Context, patience: number, signal?: AbortSignal): Promise<ReaderLease> {
  const { pid, started, place } = thisProcess();
  const mine: Lease = { holder: newNonce(), turn: 0, pid, place, ...(started === undefined ? {} : { started }) };
  const isOurs = await acquire(context, mine, patience, signal);
  return isOurs ? renewedUntilReleased(context, mine) : { release: async () => {} };
}

/** Whether the lease is ours now; false if a process above us holds it. Throws `conflict`. */
async function acquire(
  { store, session }: Context,
  mine: Lease,
  patience: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const key = keyOf(session);
  const start = steady();
  let seen = "";
  let since = start;
  while (!(await store.create(key, mine, { lasting: false }))) {
    signal?.throwIfAborted();
    const other = await parsedOrSkipped(store, key, Lease);
    const now = steady();
    const isLate = now - start > patience;
    if (other === undefined) {
      if (isLate) throw unreadable(session, key);
      await sleep(LEASE_POLL_MS, signal);
      continue;
    }
    if (seen !== `${other.holder} ${other.turn}`) {
      if (isAbove(other)) return false;
      since = now;
    }
    seen = `${other.holder} ${other.turn}`;
    if (now - since > READER_LEASE_MS || liveness({ ...other, started: other.started }) === "dead") {
      const isAsSeen = (current: Value) => `${current.holder} ${current.turn}` === seen;
      const take = (current: Value | undefined) => (!current || isAsSeen(current) ? mine : current);
      const taken = await store.update(key, take, { lasting: false });
      if (taken?.holder === mine.holder) return true;
    } else if (isLate) throw held(session, other.pid);
    await sleep(LEASE_POLL_MS, signal);
  }
  return true;
}

function renewedUntilReleased({ store, session }: Context, mine: Lease): ReaderLease {
  const key = keyOf(session);
  let turn = 0;
  let renewal: Promise<unknown> = Promise.resolve();
  const renew = () => {
    turn++;
    const next = { ...mine, turn };
    const change = (current: Value | undefined) => (current?.holder === mine.holder ? next : current);
    renewal = store.update(key, change, { lasting: false });
    renewal.catch(() => clearInterval(timer)); // the disk refused: the lease runs out, and another reader takes over
  };
  const timer = setInterval(renew, READER_LEASE_MS / 2);
  timer.unref();
  return {
    async release() {
      clearInterval(timer);
      await Promise.allSettled([renewal]);
      const remove = (current: Value | undefined) => (current?.holder === mine.holder ? undefined : current);
      await store.update(key, remove, { lasting: false, removes: true });
    },
  };
}

function keyOf(session: string): string {
  return `shows/${session}`;
}

function unreadable(session: string, key: string): RelayError {
  return new RelayError("conflict", `Cannot show the mail of "${session}": the record ${key} cannot be read`, {
    next: `look at it, then remove it: ${key}.json in the relay's folder`,
  });
}

function held(session: string, pid: number): RelayError {
  return new RelayError("conflict", `Cannot show the mail of "${session}": process ${pid} is showing it`, {
    next: "run it again in a moment, or agent-relay inbox --peek",
  });
}
