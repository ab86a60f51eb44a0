import { type Calls, callsOf, hasEnded, hasLeft } from "../agents/registry.ts";
import type { Context } from "../context.ts";
import type { RelayError } from "../errors.ts";
import { thisProcess } from "../machine/process.ts";
import { ChangeWaiter } from "../store/changes.ts";
import { iso, steady } from "../time.ts";
import { type Claim, sayTargets } from "./claim.ts";
import { type DeadlockStep, deadlock, deadlockOf } from "./deadlock.ts";
import { changeClaims, settleClaims } from "./ledger.ts";
import {
  accept,
  type Blocker,
  blockers,
  type ClaimFacts,
  type ClaimLedger,
  type ClaimRequest,
  enqueue,
  expireAndOffer,
  leaveQueue,
  sessionOfBlocker,
  take,
} from "./rules.ts";
import { type Advice, deadlockError, waitedTooLong } from "./wording.ts";

/**
 * Between two checks whether a process still runs, while somebody waits for its end, ms. A check takes 2 ms of a processor: so
 * it is less than a thousandth of one.
 */
export const PID_POLL_MS = 2500;

/** The result of a claim request: the claim, or its blockers, and the deadlock that a wait would close (`circle`). */
export interface ClaimAttempt {
  readonly claim?: Claim | undefined;
  readonly blockers: readonly Blocker[];
  readonly circle?: readonly DeadlockStep[];
}

export function tryClaim(
  claims: ClaimLedger,
  request: ClaimRequest,
  facts: ClaimFacts,
  isPatient: boolean,
): { claims: ClaimLedger; result: ClaimAttempt } {
  const taken = take(claims, request, facts);
  if (taken.claim && claims.queue.length === 0) return { claims: taken.claims, result: taken };
  if (taken.claim) return { claims: expireAndOffer(taken.claims, facts), result: taken }; // a shared claim may let others in
  if (!isPatient) return { claims, result: taken };
  const found = deadlock(claims, request.session_id, taken.blockers.map(sessionOfBlocker), sayTargets(request.targets));
  if (found) return { claims, result: { blockers: taken.blockers, circle: found } };
  const { pid, started, place } = thisProcess();
  const waiter = {
    ...request,
    since: iso(facts.now),
    pid,
    place,
    ...(started === undefined ? {} : { pid_started: started }),
  };
  return { claims: enqueue(claims, waiter), result: { blockers: taken.blockers } };
}

/**
 * Queues for a claim for up to `patience` ms, and accepts it when it is offered. Leaves the queue however it ends.
 * Throws `timed_out`, and `conflict` for a deadlock or an ended session.
 */
export async function waitInQueue(
  context: Context,
  request: ClaimRequest,
  advice: Advice,
  patience: number,
  signal?: AbortSignal,
): Promise<Claim> {
  const { store, session, now } = context;
  const until = steady() + patience;
  const hints = new ChangeWaiter(store, [`waits/${session}`]);
  const stop = () => hints.end();
  signal?.addEventListener("abort", stop);
  let isDone = false;
  try {
    for (;;) {
      if (signal?.aborted) throw signal.reason;
      const look = await queuePosition(context, request.id);
      if (look.offer) {
        const claim = await acceptOffer(context, request.id);
        isDone = claim !== undefined;
        if (claim) return claim;
      } else if (!look.isQueued) {
        if (await hasLeft(context)) throw hasEnded(`claim ${quotedTargets(request)}`, context.session);
        // This process slept past its offer: back to the end of the queue.
        const again = await changeClaims(context, (claims, facts) => tryClaim(claims, request, facts, true));
        isDone = again.claim !== undefined;
        if (again.claim) return again.claim;
        if (again.circle) throw await circleError(context, quotedTargets(request), again.circle);
        continue;
      }
      const found = look.isCircular ? await leaveDeadlock(context, request.id) : undefined;
      if (found) throw await circleError(context, quotedTargets(request), found);
      const left = until - steady();
      if (left <= 0)
        throw waitedTooLong(
          request,
          advice,
          look.blockers,
          await callsOfBlockers(context, look.blockers),
          now(),
          patience,
        );
      await hints.next(Math.min(left, look.nextExpiry - now() + 1, PID_POLL_MS));
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    stop();
    if (!isDone)
      await changeClaims(context, (claims, facts) => ({ claims: leaveQueue(claims, request.id, facts), result: 0 }));
  }
}

export function quotedTargets({ targets }: ClaimRequest): string {
  return `"${sayTargets(targets)}"`;
}

/** A waiter's position. Settles the ledger first: an expired claim may be the one it waits for. */
async function queuePosition(context: Context, id: string) {
  const claims = await settleClaims(context);
  const waiter = claims.queue.find((one) => one.id === id);
  const ahead = waiter ? claims.queue.slice(0, claims.queue.indexOf(waiter)) : [];
  const inTheWay = waiter ? blockers(claims, waiter, ahead) : [];
  const ends = inTheWay.map((one) =>
    "claim" in one ? Date.parse(one.claim.offered_until ?? one.claim.expires_at) : Infinity,
  );
  return {
    offer: claims.claims.find((claim) => claim.id === id),
    isQueued: waiter !== undefined,
    blockers: inTheWay,
    nextExpiry: Math.min(...ends),
    isCircular: deadlockOf(claims, id) !== undefined,
  };
}

/** Takes a deadlocked waiter off the queue, and returns the deadlock. Only one of its waiters leaves. */
function leaveDeadlock(context: Context, id: string): Promise<readonly DeadlockStep[] | undefined> {
  return changeClaims(context, (claims, facts) => {
    const found = deadlockOf(claims, id);
    return { claims: found ? leaveQueue(claims, id, facts) : claims, result: found };
  });
}

async function acceptOffer(context: Context, id: string): Promise<Claim | undefined> {
  return changeClaims(context, (claims, { now }) => {
    const next = accept(claims, id, now);
    return { claims: next ?? claims, result: next?.claims.find((claim) => claim.id === id) };
  });
}

/** What the sessions that block are called. */
export function callsOfBlockers(context: Context, blockers: readonly Blocker[]): Promise<Calls> {
  return callsOf(context, blockers.map(sessionOfBlocker));
}

/** The error of a wait that would close a deadlock. */
export async function circleError(context: Context, what: string, steps: readonly DeadlockStep[]): Promise<RelayError> {
  return deadlockError(
    what,
    steps,
    await callsOf(
      context,
      steps.map(({ session }) => session),
    ),
  );
}
