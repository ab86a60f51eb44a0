import { record } from "../activity/log.ts";
import { type Calls, callsOf, hasLeft, isGone } from "../agents/registry.ts";
import { asFarAsPossible, type Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { newId } from "../id.ts";
import { liveness, thisProcess } from "../machine/process.ts";
import { compose, systemDraft } from "../messages/message.ts";
import { isSegment } from "../store/key.ts";
import { besides, eachReadable, parsedOrSkipped } from "../store/read.ts";
import { iso } from "../time.ts";
import { conditionState } from "./conditions.ts";
import { DUE, dueName, PENDING } from "./pending.ts";
import { isOver, sayConditions, sessionsIn, Wait } from "./wait.ts";

/** Marks a new wait, then writes its record, so that every scan finds it. */
export async function createWait(context: Context, wait: Wait): Promise<void> {
  const checked = Wait.parse(wait, wait.id);
  await context.store.mark(markOf(wait));
  await context.store.create(`waits/${wait.id}`, checked);
}

function markOf({ id, quiet, expires_at }: Wait): string {
  return quiet ? `${DUE}/${dueName(Date.parse(expires_at), id)}` : `${PENDING}/${id}`;
}

/** A wait by its id, or undefined if there is none that can be read. Its id is the name it is stored under. */
export async function readWait({ store }: Context, id: string): Promise<Wait | undefined> {
  if (!isSegment(id) || !id.startsWith("wait-")) return undefined;
  const wait = await parsedOrSkipped(store, `waits/${id}`, Wait);
  return wait === undefined || wait.id === id ? wait : { ...wait, id };
}

const STALE_MARK_MS = 600_000; // no process takes this long from a wait's mark to its record

/**
 * Decides each wait that is over and tells its waiter, once, whichever process scans. A waiter whose inbox is full
 * holds up no other: a later scan tells it.
 */
export async function settleWaits(context: Context): Promise<void> {
  const { store, now } = context;
  const failed: unknown[] = [];
  const settle = (id: string, mark: string) =>
    asFarAsPossible(() => besides(store, () => settleOne(context, id, mark))).catch((error) => failed.push(error));
  for (const id of await store.marks(PENDING)) await settle(id, `${PENDING}/${id}`);
  for (const name of await store.marks(DUE)) {
    if (name >= dueName(now(), "")) break;
    await settle(name.slice(name.indexOf("-") + 1), `${DUE}/${name}`);
  }
  if (failed.length > 0) throw failed[0]; // every other wait is settled by now
}

async function settleOne(context: Context, id: string, mark: string): Promise<void> {
  const { store, now } = context;
  for await (const [, wait] of eachReadable(store, [id], (each) => readWait(context, each)))
    if (wait) await decideAndTell(context, wait, mark);
    else if (((await store.markedAt(mark)) ?? 0) < now() - STALE_MARK_MS) await store.unmark(mark);
}

async function decideAndTell(context: Context, wait: Wait, mark: string): Promise<void> {
  const { store } = context;
  const decided = wait.state === "pending" ? await decideWait(context, wait) : wait;
  if (decided.state !== "pending" && (await notifyWaiter(context, decided))) await store.unmark(mark);
}

/** The wait after its state is decided. The decision is written once. */
async function decideWait(context: Context, wait: Wait): Promise<Wait> {
  const { session_id: session } = wait;
  const theirs = { ...context, session };
  const isLost = session === context.session ? await hasLeft(context) : await isGone(context, session);
  const met = new Map(wait.met?.map(({ condition, outcome }) => [condition, outcome]));
  const outcomes: (string | undefined)[] = [];
  for (const [index, condition] of isLost ? [] : wait.conditions.entries())
    outcomes.push(met.get(index) ?? (await conditionState(theirs, condition)).outcome);
  const isLate = context.now() >= Date.parse(wait.expires_at);
  const state = isLost ? "ended" : isOver(wait.any, outcomes) ? "satisfied" : isLate ? "timed_out" : "pending";
  if (state === "pending") return saveMetConditions(context, wait, outcomes);
  return endWait(
    context,
    wait.id,
    state,
    outcomes.filter((outcome) => outcome !== undefined),
  );
}

/** The field `met` of a wait that goes on: the conditions that came true so far. */
export function metOf(outcomes: readonly (string | undefined)[]): { met?: NonNullable<Wait["met"]> } {
  const met = outcomes.flatMap((outcome, condition) => (outcome === undefined ? [] : [{ condition, outcome }]));
  return met.length === 0 ? {} : { met };
}

async function saveMetConditions(
  context: Context,
  wait: Wait,
  outcomes: readonly (string | undefined)[],
): Promise<Wait> {
  const { met } = metOf(outcomes);
  if (met === undefined || met.length === (wait.met?.length ?? 0)) return wait;
  const key = `waits/${wait.id}`;
  const next = await context.store.update(key, (value) =>
    value?.state === "pending" ? { ...value, met: mergedMet(Wait.parse(value, key), met) } : value,
  );
  return next ? Wait.parse(next, key) : wait;
}

function mergedMet({ met: known = [] }: Wait, met: NonNullable<Wait["met"]>): NonNullable<Wait["met"]> {
  return [...known, ...met.filter(({ condition }) => known.every((one) => one.condition !== condition))];
}

/** Ends a pending wait. A wait that has ended stays as it was. Throws `not_found`. */
export async function endWait(
  context: Context,
  id: string,
  state: "satisfied" | "timed_out" | "cancelled" | "ended",
  outcome: readonly string[],
): Promise<Wait> {
  const now = context.now();
  const message = newId("msg", now);
  let isNews = false;
  const key = `waits/${id}`;
  const next = await context.store.update(key, (value) => {
    const wait = value && Wait.parse(value, key);
    isNews = wait?.state === "pending";
    return isNews ? { ...wait, state, outcome, ended_at: iso(now), message, teller: thisTeller(now) } : value;
  });
  if (!next) throw new RelayError("not_found", `Cannot find "${id}": it was removed`);
  const wait = Wait.parse(next, key);
  if (isNews && !wait.quiet) await record(context, { event: `wait.${state}`, id, for: wait.session_id, outcome });
  return wait;
}

/** Sends the outcome to the waiter, once. False while another process does so. */
async function notifyWaiter(context: Context, wait: Wait): Promise<boolean> {
  if (wait.state !== "timed_out" && (wait.state !== "satisfied" || wait.quiet)) return true;
  const { store } = context;
  if (wait.message === undefined || (await store.get(`messages/${wait.message}`))) return true;
  const mine = isMe(wait.teller) ? wait : await takeOver(context, wait);
  if (!mine?.message) return false;
  const { message: id, session_id: to_session } = mine;
  const time = context.now();
  const draft = systemDraft(
    id,
    to_session,
    sayOutcome(mine, await callsOf(context, sessionsIn(mine.conditions))),
    time,
  );
  try {
    await store.publish(`messages/${id}`, compose(draft, { kind: "status" }), {
      inboxes: [to_session],
    });
  } catch (error) {
    if (!(error instanceof RelayError) || error.code !== "conflict") throw error; // another call here has published it
  }
  return true;
}

type Teller = NonNullable<Wait["teller"]>;
const SLOW_TELLER_MS = 600_000; // a teller of another place that takes this long is dead, and its draft is swept

/** This process as the teller of a wait's outcome. */
function thisTeller(at: number): Teller {
  const { pid, started, place } = thisProcess();
  return { pid, ...(started === undefined ? {} : { started }), place, at: iso(at) };
}

function isMe(known: Wait["teller"]): boolean {
  const { pid, started, place } = thisProcess();
  return known?.pid === pid && known.started === started && known.place === place;
}

/**
 * Takes over from a teller that died, under a new message id: the message that it left half-written never comes. A
 * teller that only sleeps goes on when it wakes. Undefined while that teller, or another process, sends the outcome.
 */
async function takeOver(context: Context, { id }: Wait): Promise<Wait | undefined> {
  const now = context.now();
  const key = `waits/${id}`;
  const next = { message: newId("msg", now), teller: thisTeller(now) };
  const taken = await context.store.update(key, (value) => {
    const known = value && Wait.parse(value, key).teller;
    return value && (!known || hasDied(known, now)) ? { ...value, ...next } : value;
  });
  const wait = taken && Wait.parse(taken, key);
  return wait?.message === next.message ? wait : undefined;
}

function hasDied({ at, started, ...process }: Teller, now: number): boolean {
  const state = liveness({ ...process, started });
  return state === "dead" || (state === "unknown" && now - Date.parse(at) > SLOW_TELLER_MS);
}

function sayOutcome({ id, conditions, any, state, outcome = [] }: Wait, call: Calls): string {
  const what = sayConditions(conditions, any, call);
  if (state === "satisfied") return `What you waited for came true (${id}), ${what}: ${outcome.join("; ")}`;
  return `You waited for ${what} (${id}), and it did not come in time`;
}
