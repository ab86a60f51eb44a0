import { sayTargets } from "./claim.ts";
import { blockers, type ClaimLedger, sessionOfBlocker } from "./rules.ts";

/** One step of a deadlock: `session` waits `for` something that the next session has to do. */
export interface DeadlockStep {
  readonly session: string;
  readonly for: string;
}

/** The deadlock that `session` would close by waiting on the sessions `on` for `what`; undefined if there is none. */
export function deadlock(
  claims: ClaimLedger,
  session: string,
  on: readonly string[],
  what: string,
): DeadlockStep[] | undefined {
  const seen = new Set<string>();
  const walk = (at: string, path: readonly DeadlockStep[]): DeadlockStep[] | undefined => {
    if (at === session) return [...path];
    if (seen.has(at)) return undefined;
    seen.add(at);
    for (const { to, why } of waitsOf(claims, at)) {
      const found = walk(to, [...path, { session: at, for: why }]);
      if (found) return found;
    }
    return undefined;
  };
  for (const first of on) {
    const found = first === session ? undefined : walk(first, [{ session, for: what }]);
    if (found) return found;
  }
  return undefined;
}

/** The deadlock that a waiter is in by now: a claim granted to others since it was queued can close one. */
export function deadlockOf(claims: ClaimLedger, id: string): DeadlockStep[] | undefined {
  const waiter = claims.queue.find((one) => one.id === id);
  if (!waiter) return undefined;
  const ahead = claims.queue.slice(0, claims.queue.indexOf(waiter));
  const on = blockers(claims, waiter, ahead).map(sessionOfBlocker);
  return deadlock(claims, waiter.session_id, on, sayTargets(waiter.targets));
}

function waitsOf(claims: ClaimLedger, session: string): { to: string; why: string }[] {
  const queued = claims.queue.filter((waiter) => waiter.session_id === session);
  const edges = claims.edges.filter((edge) => edge.session_id === session);
  return [
    ...queued.flatMap((waiter) => {
      const ahead = claims.queue.slice(0, claims.queue.indexOf(waiter));
      return blockers(claims, waiter, ahead).map((blocker) => ({
        to: sessionOfBlocker(blocker),
        why: sayTargets(waiter.targets),
      }));
    }),
    ...edges.flatMap((edge) => edge.on.map((to) => ({ to, why: edge.for }))),
  ];
}
