import { hasEnded, hasLeft, readAgent } from "../agents/registry.ts";
import type { Context } from "../context.ts";
import { thisProcess } from "../machine/process.ts";
import { Hints } from "../store/changes.ts";
import { type Claim, say } from "./claim.ts";
import { circle, circleOf, type Step } from "./deadlock.ts";
import { changeClaims, settledClaims } from "./ledger.ts";
import {
  accept,
  type Blocker,
  blockers,
  type Claims,
  enqueue,
  type Facts,
  leaveQueue,
  sessionOf,
  settle,
  take,
  type Wish,
} from "./rules.ts";
import { circular, type Names, tooLate } from "./wording.ts";

const PID_POLL_MS = 1000; // ms between two looks whether a holder's process still runs, while somebody waits for it

/** What came of asking: the claim, or who stands in the way, or in which circle a wait would end. */
export interface Answer {
  readonly claim?: Claim | undefined;
  readonly blockers: readonly Blocker[];
  readonly circle?: readonly Step[];
}

export function ask(claims: Claims, wish: Wish, facts: Facts, isPatient: boolean): { claims: Claims; result: Answer } {
  const taken = take(claims, wish, facts);
  if (taken.claim && claims.queue.length === 0) return { claims: taken.claims, result: taken };
  if (taken.claim) return { claims: settle(taken.claims, facts), result: taken }; // shared now, it may let others in
  if (!isPatient) return { claims, result: taken };
  const found = circle(claims, wish.session_id, taken.blockers.map(sessionOf), say(wish.targets));
  if (found) return { claims, result: { blockers: taken.blockers, circle: found } };
  const { pid, started, place } = thisProcess();
  const waiter = { ...wish, since: facts.now, pid, place, ...(started === undefined ? {} : { pid_started: started }) };
  return { claims: enqueue(claims, waiter), result: { blockers: taken.blockers } };
}

/** Waits for what a queue will hand over. However it ends, the place in the line ends with it. */
export async function waitInLine(
  context: Context,
  wish: Wish,
  again: string,
  patience: number,
  signal?: AbortSignal,
): Promise<Claim> {
  const { store, session, now } = context;
  const until = performance.now() + patience;
  const hints = new Hints(store, [`waits/${session}`]);
  const stop = () => hints.end();
  signal?.addEventListener("abort", stop);
  let isDone = false;
  try {
    for (;;) {
      if (signal?.aborted) throw signal.reason;
      const look = await lookInLine(context, wish.id);
      if (look.offer) {
        const claim = await takeUp(context, wish.id);
        isDone = claim !== undefined;
        if (claim) return claim;
      } else if (!look.isQueued) {
        if (await hasLeft(context)) throw hasEnded(`claim ${quote(wish)}`, context.session);
        // It slept past what it was offered: to the end of the line.
        const again = await changeClaims(context, (claims, facts) => ask(claims, wish, facts, true));
        isDone = again.claim !== undefined;
        if (again.claim) return again.claim;
        if (again.circle) throw circular(quote(wish), again.circle);
        continue;
      }
      const found = look.isCircular ? await leaveCircle(context, wish.id) : undefined;
      if (found) throw circular(quote(wish), found);
      const left = until - performance.now();
      if (left <= 0) throw tooLate(wish, again, look.blockers, await namesOf(context, look.blockers), now(), patience);
      await hints.next(Math.min(left, look.nextExpiry - now() + 1, PID_POLL_MS));
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    stop();
    if (!isDone)
      await changeClaims(context, (claims, facts) => ({ claims: leaveQueue(claims, wish.id, facts), result: 0 }));
  }
}

export function quote({ targets }: Wish): string {
  return `"${say(targets)}"`;
}

/** Where a waiter stands; first settles what has run out since, which may be what it waits for. */
async function lookInLine(context: Context, id: string) {
  const claims = await settledClaims(context);
  const waiter = claims.queue.find((one) => one.id === id);
  const ahead = waiter ? claims.queue.slice(0, claims.queue.indexOf(waiter)) : [];
  const inTheWay = waiter ? blockers(claims, waiter, ahead) : [];
  const ends = inTheWay.map((one) => ("claim" in one ? (one.claim.offered_until ?? one.claim.expires_at) : Infinity));
  return {
    offer: claims.claims.find((claim) => claim.id === id),
    isQueued: waiter !== undefined,
    blockers: inTheWay,
    nextExpiry: Math.min(...ends),
    isCircular: circleOf(claims, id) !== undefined,
  };
}

/** Leaves a line that would never move. Of those in the circle one goes, and is told who is in it. */
function leaveCircle(context: Context, id: string): Promise<readonly Step[] | undefined> {
  return changeClaims(context, (claims, facts) => {
    const found = circleOf(claims, id);
    return { claims: found ? leaveQueue(claims, id, facts) : claims, result: found };
  });
}

async function takeUp(context: Context, id: string): Promise<Claim | undefined> {
  return changeClaims(context, (claims, { now }) => {
    const next = accept(claims, id, now);
    return { claims: next ?? claims, result: next?.claims.find((claim) => claim.id === id) };
  });
}

/** How those in the way are called. */
export async function namesOf({ store }: Context, blockers: readonly Blocker[]): Promise<Names> {
  const names = new Map<string, string>();
  for (const session of new Set(blockers.map(sessionOf))) {
    const name = (await readAgent(store, "agents", session))?.name;
    if (name !== undefined) names.set(session, name);
  }
  return names;
}
