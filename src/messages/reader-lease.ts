import type { Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { newNonce } from "../id.ts";
import { ancestors } from "../machine/ancestors.ts";
import { liveness, place as thisPlace, thisProcess } from "../machine/process.ts";
import { type Infer, integer, object, optional, text } from "../schema.ts";
import { parsedOrSkipped } from "../store/read.ts";
import type { Value } from "../store/store.ts";
import { sleep } from "../time.ts";
import { READER_LEASE_MS } from "./inbox.ts";

const Lease = object({
  holder: text(),
  /** Counts renewals: a lease that stands still for 5 s is abandoned, whatever the clocks say. */
  turn: integer(),
  pid: integer(),
  started: optional(integer()),
  place: text(),
});

/** The right to show a session's mail. */
export interface ReaderLease {
  release(): Promise<void>;
}

const LEASE_POLL_MS = 20; // ms

/** Whether the holder started us: it shows the session's mail by running us. */
function isAbove({ pid, started, place }: Infer<typeof Lease>): boolean {
  return place === thisPlace() && ancestors().some((above) => above.pid === pid && above.started === started);
}

/**
 * Takes the right to show a session's mail, so that two readers of one session show nothing twice. It is renewed until
 * `release`. A holder that died gives way at once, one that stopped after 5 s. A process that
 * the holder started shows under its right.
 * Throws `conflict` if another holds it for longer than `patience` (ms).
 */
export async function takeReaderLease(context: Context, patience: number): Promise<ReaderLease> {
  const { store, session } = context;
  const key = `shows/${session}`;
  const start = performance.now();
  const mine = { holder: newNonce(), turn: 0, ...thisProcess() };
  let seen = "";
  let since = start;
  while (!(await store.create(key, mine, { lasting: false }))) {
    const other = await parsedOrSkipped(store, key, Lease);
    const now = performance.now();
    if (other === undefined) {
      if (now - start > patience)
        throw new RelayError("conflict", `Cannot show the mail of "${session}": the record ${key} cannot be read`, {
          next: `look at it, then remove it: ${key}.json in the relay's folder`,
        });
      await sleep(LEASE_POLL_MS);
      continue;
    }
    if (seen !== `${other.holder} ${other.turn}`) {
      if (isAbove(other)) return { release: async () => {} };
      since = now;
    }
    seen = `${other.holder} ${other.turn}`;
    if (now - since > READER_LEASE_MS || liveness({ ...other, started: other.started }) === "dead") {
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
    await sleep(LEASE_POLL_MS);
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
