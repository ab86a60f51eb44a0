import { record } from "../activity/log.ts";
import { foreignSessions, isGone } from "../agents/registry.ts";
import { asFarAsPossible, type Context } from "../context.ts";
import { liveness } from "../machine/process.ts";
import { isCorrupt, parsed } from "../store/read.ts";
import type { Value } from "../store/store.ts";
import { type Claim, type ClaimTarget, targetsMeet } from "./claim.ts";
import { claimEvents } from "./events.ts";
import { type ClaimFacts, ClaimLedger, EMPTY_LEDGER, expireAndOffer } from "./rules.ts";

const LIVE = "claims/live";
const TOKEN = "claims/token"; // a mark; its time is the last fencing token: tokens go on from it if the ledger is lost

/** The ledger, or an empty one. Throws `corrupt` for a record that cannot be used; it has then been set aside. */
export async function readClaims(context: Context): Promise<ClaimLedger> {
  try {
    return (await parsed(context.store, LIVE, { parse: parseClaims })) ?? EMPTY_LEDGER;
  } catch (error) {
    if (isCorrupt(error)) await tellOfLoss(context);
    throw error;
  }
}

/** The settled ledger of who looks after a relay; if there was one and is none, everyone is told. */
export async function keepClaims(context: Context): Promise<void> {
  const token = await context.store.markedAt(TOKEN); // first: it is marked after the ledger was written
  if ((await readClaims(context)) !== EMPTY_LEDGER) await settleClaims(context);
  else if (token !== undefined) await tellOfLoss(context);
}

/** Tells everyone that the ledger is lost: who held something would go on as if it still did. */
async function tellOfLoss({ store, announce }: Context): Promise<void> {
  const token = store.served ? undefined : await store.markedAt(TOKEN);
  if (token !== undefined) await asFarAsPossible(() => announce(`claims-lost-${token}`, LOST));
}

const LOST =
  "The record of what is claimed was broken or is gone: nobody holds anything now. Claim again what you work on: agent-relay claim <path>. What was set aside: agent-relay quarantine list";

/** The settled ledger: expired claims are removed and offered to waiters, on disk too. */
export async function settleClaims(context: Context): Promise<ClaimLedger> {
  const before = await readClaims(context);
  if (expireAndOffer(before, await factsOf(context, before)) === before) return before;
  return changeClaims(context, (claims) => ({ claims, result: claims }));
}

function parseClaims(value: Value | undefined): ClaimLedger {
  if (value === undefined) return EMPTY_LEDGER;
  const known = parsedBefore.get(value);
  if (known) return known;
  const claims = ClaimLedger.parse(value, LIVE);
  parsedBefore.set(value, claims);
  return claims;
}
const parsedBefore = new WeakMap<Value, ClaimLedger>(); // a store may give the same object for the same bytes

/**
 * Applies `step` to the settled ledger, and wakes the waiters that are offered a claim by it. A change that is `about`
 * some targets checks only the holders of these: a dead holder of others keeps its claims until somebody asks for them.
 */
export async function changeClaims<T>(
  context: Context,
  step: (claims: ClaimLedger, facts: ClaimFacts) => { readonly claims: ClaimLedger; readonly result: T },
  about?: readonly ClaimTarget[],
): Promise<T> {
  const { store } = context;
  const before = await readClaims(context);
  const facts = await factsOf(context, { ...before, claims: touchedBy(before, about) });
  const none = before === EMPTY_LEDGER ? { ...EMPTY_LEDGER, token: await tokenBefore(context) } : EMPTY_LEDGER;
  let written: ClaimLedger | undefined;
  let granted: number | undefined;
  let isLost = false;
  let events: ReturnType<typeof claimEvents> = [];
  let result: { readonly value: T } | undefined;
  let offered: Claim[] = [];
  await store.update(LIVE, (value) => {
    const old = value === undefined ? none : parseClaims(value);
    isLost = value === undefined && none.token > 0;
    const done = step(expireAndOffer(old, facts), facts);
    result = { value: done.result };
    const fresh = done.claims.claims.filter(({ offered_until }) => offered_until !== undefined);
    offered = fresh.filter(({ id }) => !old.claims.some((claim) => claim.id === id));
    events = done.claims === old ? [] : claimEvents(old, done.claims, facts);
    granted = done.claims.token > old.token ? done.claims.token : undefined;
    written = done.claims;
    return done.claims === old ? value : done.claims;
  });
  if (written) parsedBefore.set(written, written); // a store may give back the very object
  await record(context, ...events);
  if (granted !== undefined && isLost) await tellOfLoss(context);
  if (granted !== undefined) await store.mark(TOKEN, granted);
  for (const { session_id } of offered) await store.mark(`waits/${session_id}/claims`, context.now());
  if (!result) throw new Error("an update ended without running its change");
  return result.value;
}

/** The claims whose holders a change about these targets has to check: all of them while anyone waits. */
function touchedBy({ claims, queue }: ClaimLedger, about: readonly ClaimTarget[] | undefined): readonly Claim[] {
  if (about === undefined || queue.length > 0) return claims;
  return claims.filter((claim) => claim.targets.some((one) => about.some((other) => targetsMeet(one, other))));
}

/** The token to go on from. Writers may have marked theirs out of order: 1,000 more is past all of them. */
async function tokenBefore({ store }: Context): Promise<number> {
  const noted = await store.markedAt(TOKEN);
  return noted === undefined ? 0 : noted + 1000;
}

/** Which sessions in the ledger are gone for certain. A session of unknown state is not gone: its lease decides. */
export async function factsOf(context: Context, claims: ClaimLedger): Promise<ClaimFacts> {
  const sessions = new Set([...claims.claims, ...claims.queue, ...claims.edges].map(({ session_id }) => session_id));
  const gone = new Set<string>();
  for (const session of sessions) if (await isGone(context, session)) gone.add(session);
  const foreign = await foreignSessions(context, sessions);
  return {
    now: context.now(),
    isGone: (session) => gone.has(session),
    isDead: ({ session_id, pid, pid_started, place }) =>
      !foreign.has(session_id) && liveness({ pid, started: pid_started, place }) === "dead",
  };
}
