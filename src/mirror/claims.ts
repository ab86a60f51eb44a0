import { checkTargets } from "../access/claims.ts";
import { record } from "../activity/log.ts";
import { type Claim, type ClaimTarget, isSameTargets, sayTargets, type Waiter } from "../claims/claim.ts";
import { changeClaims, readClaims } from "../claims/ledger.ts";
import { tryClaim } from "../claims/queue.ts";
import { accept, type ClaimFacts, type ClaimLedger, EMPTY_LEDGER, giveUp, leaveQueue, take } from "../claims/rules.ts";
import { RelayError } from "../errors.ts";
import { jsonText } from "../text.ts";
import { iso } from "../time.ts";
import type { LocalSessions } from "./agents.ts";
import { localContext, type Replicas, remoteContext, tellOnce } from "./replica.ts";

const MAX_TOKEN = 2 ** 50; // no relay grants so many claims, and each later claim needs a larger token
const MAX_TRIES = 5; // of one round: agents may change the record here at the same time

/**
 * The claims of ours that the server had at the last exchange: claim id to expiry (Unix ms). One that the server no
 * longer has before its expiry was taken away.
 */
export type Leases = Map<string, number>;

/** A claim of ours that the server does not grant. */
interface VoidClaim {
  readonly claim: Claim;
  readonly why: string;
}

/**
 * Asks the server for what was claimed here, then makes the record here what the server says. The holder of a lost
 * claim is told.
 */
export async function exchangeClaims(
  replicas: Replicas,
  { ours, apart }: LocalSessions,
  leases: Leases,
): Promise<void> {
  const ahead = replicas.ahead();
  for (let tried = 0; tried < MAX_TRIES; tried++) {
    const mine = await readClaims(localContext(replicas));
    const { lost, theirs } = await asked(replicas, ours, shifted(mine, ahead), leases);
    // Before the record changes: a mirror killed here finds the loss again, and `tellOnce` sends no second message.
    for (const { claim, why } of lost) await tellLoser(replicas, claim, why);
    const next = asHere(mine, shifted(theirs, -ahead), ours, apart);
    if (!(await follow(replicas, mine, next, ours))) continue; // an agent has changed it meanwhile
    leases.clear();
    for (const { id, session_id, expires_at } of theirs.claims)
      if (ours.has(session_id)) leases.set(id, Date.parse(expires_at));
    return;
  }
}

/** The claims with their times moved by `ms`, from one side's clock to the other's. */
function shifted(claims: ClaimLedger, ms: number): ClaimLedger {
  if (ms === 0) return claims;
  const by = (at: string) => iso(Math.max(0, Date.parse(at) + ms));
  return {
    ...claims,
    claims: claims.claims.map((claim) => ({
      ...claim,
      claimed_at: by(claim.claimed_at),
      expires_at: by(claim.expires_at),
      ...(claim.offered_until !== undefined && { offered_until: by(claim.offered_until) }),
    })),
    queue: claims.queue.map((waiter) => ({ ...waiter, since: by(waiter.since) })),
  };
}

async function tellLoser(replicas: Replicas, claim: Claim, why: string): Promise<void> {
  const { id, session_id: holder, agent_id, targets, mode, token, claimed_at } = claim;
  const word = `${id} ${token} ${mode}`;
  const isNew = await tellOnce(replicas, holder, `Your claim on ${sayTargets(targets)} is void: ${why}`, {
    word,
    time: Date.parse(claimed_at),
  });
  if (isNew)
    await record(localContext(replicas, holder, agent_id), {
      event: "claim.lost",
      id,
      holder,
      targets: sayTargets(targets),
    });
}

async function asked(replicas: Replicas, ours: ReadonlySet<string>, mine: ClaimLedger, leases: Leases) {
  const any = remoteContext(replicas, "");
  const theirs = await readClaims(any);
  if (theirs.token > MAX_TOKEN)
    throw new RelayError("corrupt", `Cannot follow a server whose last token is ${theirs.token}`);
  const wanted = (claims: ClaimLedger, facts: ClaimFacts) => withOurs(claims, mine, ours, leases, facts);
  const first = wanted(theirs, { now: any.now(), isGone: () => false, isDead: () => false });
  const [speaker] = ours;
  if (first.claims === theirs || speaker === undefined) return { lost: first.lost, theirs };
  return changeClaims(remoteContext(replicas, speaker), (claims, facts) => {
    const next = wanted(claims, facts);
    return { claims: next.claims, result: { lost: next.lost, theirs: next.claims } };
  });
}

/**
 * The server's claims with all that our sessions did applied, and the claims of ours that it does not grant. Pure.
 * `claims` is the same object if nothing is to change.
 */
function withOurs(
  theirs: ClaimLedger,
  mine: ClaimLedger,
  ours: ReadonlySet<string>,
  leases: Leases,
  facts: ClaimFacts,
): { claims: ClaimLedger; lost: VoidClaim[] } {
  const isOurs = ({ session_id }: { session_id: string }) => ours.has(session_id);
  const lost: VoidClaim[] = [];
  let claims = theirs;
  // Releases come first: they may make room for new claims.
  for (const claim of theirs.claims.filter(isOurs)) claims = reduced(claims, claim, mine, facts);
  for (const waiter of theirs.queue.filter(isOurs))
    if (![...mine.queue, ...mine.claims].some(({ id }) => id === waiter.id))
      claims = leaveQueue(claims, waiter.id, facts);
  for (const claim of mine.claims.filter((each) => isOurs(each) && Date.parse(each.expires_at) > facts.now)) {
    const old = claims.claims.find(({ id }) => id === claim.id);
    const lease = leases.get(claim.id);
    if (old) {
      claims = renewed(claims, old, claim, facts.now);
      if (claims.claims.find(({ id }) => id === old.id)?.mode !== claim.mode)
        lost.push({ claim, why: `others share it, and it stays ${old.mode}` });
    } else if (claim.offered_until !== undefined && claim.tentative)
      continue; // the claim was offered here, and is not taken up yet
    else if (lease !== undefined && lease > facts.now && !claim.tentative)
      lost.push({ claim, why: "it was taken away on the server" });
    else if (whyTooLarge(claim) !== undefined) lost.push({ claim, why: whyTooLarge(claim) ?? "" });
    else {
      const done = tryClaim(leaveQueue(claims, claim.id, facts), wishOf(claim), facts, false);
      if (done.result.claim) claims = renewed(done.claims, done.result.claim, claim, facts.now);
      else lost.push({ claim, why: whyNot(done.result.blockers) });
    }
  }
  for (const waiter of mine.queue.filter(isOurs)) {
    const isThere = [...claims.queue, ...claims.claims].some(({ id }) => id === waiter.id);
    if (!isThere) claims = queued(claims, waiter, facts);
  }
  const said = (edges: ClaimLedger["edges"]) => new Set(edges.filter(isOurs).map((edge) => jsonText(edge)));
  const [edgesHere, edgesThere] = [said(mine.edges), said(claims.edges)];
  const isSame = edgesHere.size === edgesThere.size && [...edgesHere].every((edge) => edgesThere.has(edge));
  if (isSame) return { claims, lost };
  const edges = [...claims.edges.filter((edge) => !isOurs(edge)), ...mine.edges.filter(isOurs)];
  return { claims: { ...claims, edges }, lost };
}

/** Why the server would take the claim from nobody: its targets are too large. Undefined if they are not. */
function whyTooLarge({ targets }: Claim): string | undefined {
  try {
    checkTargets("claims/live", targets);
    return undefined;
  } catch (error) {
    if (error instanceof RelayError) return error.message;
    throw error;
  }
}

/** The server's claims without the targets of one claim of ours that were released here. */
function reduced(theirs: ClaimLedger, claim: Claim, mine: ClaimLedger, facts: ClaimFacts): ClaimLedger {
  if (mine.queue.some(({ id }) => id === claim.id)) return theirs; // its waiter here will hear that it is its turn
  const left = mine.claims.find(({ id }) => id === claim.id);
  if (left && isSameTargets(left, claim)) return theirs;
  const isKept = (target: ClaimTarget) =>
    left?.targets.some((one) => isSameTargets({ targets: [one] }, { targets: [target] }));
  return giveUp(
    theirs,
    ({ id }) => id === claim.id,
    (target) => !isKept(target),
    facts,
  ).claims;
}

/** The server's claims with one claim of ours as it is here: taken up, in another mode, for longer. */
function renewed(claims: ClaimLedger, old: Claim, claim: Claim, now: number): ClaimLedger {
  let next = claims;
  if (old.offered_until !== undefined && claim.offered_until === undefined) next = accept(next, old.id, now) ?? next;
  if (old.mode !== claim.mode) {
    const taken = take(next, wishOf(claim), { now, isGone: () => false, isDead: () => false });
    if (taken.claim) next = taken.claims;
  }
  const { expires_at, ttl_ms, reason } = claim;
  const current = next.claims.find(({ id }) => id === old.id);
  if (!current) return next;
  const isNoLonger = Date.parse(expires_at) <= Date.parse(current.expires_at);
  if (isNoLonger && ttl_ms === current.ttl_ms && reason === current.reason) return next;
  const longer = {
    ...current,
    ttl_ms,
    expires_at: isNoLonger ? current.expires_at : expires_at,
    ...(reason !== undefined && { reason }),
  };
  return { ...next, claims: next.claims.map((each) => (each === current ? longer : each)) };
}

function queued(claims: ClaimLedger, waiter: Waiter, facts: ClaimFacts): ClaimLedger {
  const { since: _, pid: __, pid_started: ___, place: ____, tentative: _____, ...request } = waiter;
  const done = tryClaim(claims, request, facts, true);
  if (done.claims === claims || done.result.claim) return done.claims;
  // The waiting process is not on the server's machine: the waiter stays in that queue as long as in the one here.
  const said = { ...request, pid: 0, place: "mirror" };
  return {
    ...done.claims,
    queue: done.claims.queue.map((each) => (each.id === waiter.id ? { ...said, since: iso(facts.now) } : each)),
  };
}

function wishOf({ id, session_id, agent_id, targets, mode, reason, ttl_ms }: Claim) {
  return { id, session_id, agent_id, targets, mode, ttl_ms, ...(reason !== undefined && { reason }) };
}

function whyNot(blockers: ReturnType<typeof tryClaim>["result"]["blockers"]): string {
  const [first] = blockers;
  if (!first) return "the server does not give it";
  const who = "claim" in first ? first.claim : first.waiter;
  return `${who.session_id} ${"claim" in first ? "has" : "waits for"} ${sayTargets(who.targets)}, and the server decides`;
}

/** Makes the record here what the server says. False if an agent has changed it meanwhile. */
async function follow(
  replicas: Replicas,
  seen: ClaimLedger,
  next: ClaimLedger,
  ours: ReadonlySet<string>,
): Promise<boolean> {
  if (jsonText(next) === jsonText(seen)) return true;
  let isDone = false;
  const { local, now } = replicas;
  await local.update("claims/live", (value) => {
    isDone = jsonText(value ?? EMPTY_LEDGER) === jsonText(seen);
    return isDone ? { ...value, ...next } : value;
  });
  if (!isDone) return false;
  await local.mark("claims/token", next.token);
  const sessions = new Set([...seen.queue, ...seen.claims].map(({ session_id }) => session_id));
  for (const session of sessions) if (ours.has(session)) await local.mark(`waits/${session}/claims`, now());
  return true;
}

/** The server's record plus what it does not know yet: waiters and offers of ours, and all of the sessions apart. */
function asHere(
  mine: ClaimLedger,
  theirs: ClaimLedger,
  ours: ReadonlySet<string>,
  apart: ReadonlySet<string>,
): ClaimLedger {
  const known = new Set([...theirs.claims, ...theirs.queue].map(({ id }) => id));
  const isKept = ({ id, session_id }: { id: string; session_id: string }) => ours.has(session_id) && !known.has(id);
  const granted = new Set(theirs.claims.map(({ id }) => id));
  return {
    token: Math.max(mine.token, theirs.token),
    claims: [
      // An offer is tentative: the server may pass it on before it hears that the claim was taken up.
      ...theirs.claims.map((each) =>
        ours.has(each.session_id) && each.offered_until ? { ...each, tentative: true } : each,
      ),
      ...mine.claims.filter((each) => apart.has(each.session_id) || (isKept(each) && each.offered_until !== undefined)),
    ],
    queue: [
      ...theirs.queue.map((waiter) => mine.queue.find(({ id }) => id === waiter.id) ?? waiter),
      ...mine.queue.filter((each) => apart.has(each.session_id) || (isKept(each) && !granted.has(each.id))),
    ],
    edges: [...theirs.edges, ...mine.edges.filter(({ session_id }) => apart.has(session_id))],
  };
}
