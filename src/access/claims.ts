import { type Claim, type ClaimTarget, isSameTargets, OFFER_MS, sayTargets, type Waiter } from "../claims/claim.ts";
import { blockers, ClaimLedger, EMPTY_LEDGER, isLive, MAX_TARGETS } from "../claims/rules.ts";
import { RelayError } from "../errors.ts";
import { MAX_CLOCK_LEAD_MS } from "../id.ts";
import { LEASE_TTL_MS, MAX_CLAIM_REASON_BYTES, MAX_USER_CLAIM_BYTES } from "../limits.ts";
import { jsonText } from "../text.ts";
import {
  type AccessFacts,
  type AccessRule,
  type Caller,
  checkSize,
  isSame,
  isTheirs,
  refused,
  registrationIn,
  registrationsOf,
  userOf,
} from "./policy.ts";

const TOKEN = "claims/token"; // its time is the last fencing token

/**
 * All claims are one record, so each writer sends the whole record. It may remove another session's claim only if that
 * has run out, grant another session only what that session queued for, and take for itself only what nobody holds.
 */
export const claimsRule: AccessRule = {
  needs: (key, { old, next }) => {
    const sessions = new Set([old, next].flatMap((value) => (value ? everyone(ClaimLedger.parse(value, key)) : [])));
    return [...sessions].flatMap(registrationsOf);
  },
  needsMarks: [TOKEN],
  check(caller, key, { old, next }, facts) {
    for (const name of Object.keys(next ?? {}))
      if (!Object.hasOwn(EMPTY_LEDGER, name) && !isSame(next?.[name], old?.[name]))
        throw refused(key, `it has no field ${jsonText(name)}`);
    if (next === undefined) throw refused(key, "claims are given back, and their record stays");
    const before = old === undefined ? EMPTY_LEDGER : ClaimLedger.parse(old, key);
    const after = ClaimLedger.parse(next, key);
    const step = new Transition(caller, key, before, after, facts);
    step.checkTokens(old === undefined ? (facts.marks?.get(TOKEN) ?? 0) : before.token);
    step.checkLost();
    step.checkTaken();
    step.checkLine();
    step.checkRoom();
    // Everyone reads this record, so its size is limited: a record over the limit may stay, but grows no further.
    if (old === undefined || jsonText(next).length > jsonText(old).length) checkSize(key, next, MAX_RECORD_BYTES);
  },
};

function everyone({ claims, queue, edges }: ClaimLedger): string[] {
  return [...claims, ...queue, ...edges].map(({ session_id }) => session_id);
}

const MAX_RECORD_BYTES = 768 * 1024; // of all claims
const MAX_PATH_CHARS = 1024;
const MAX_STARS = 16; // of a pattern: each star adds to the time of a comparison
const MAX_SEGMENTS = 64;

/** Throws `limit` for a path that would take long to compare with other claims. */
export function checkTargets(key: string, targets: readonly ClaimTarget[]): void {
  for (const { path = "" } of targets) {
    const [first, ...rest] = path.split("/");
    const isPlain = (segment: string) => !["", ".", ".."].includes(segment);
    if (
      path !== "" &&
      path !== "." &&
      !(rest.every(isPlain) && (rest.length > 0 || isPlain(first ?? "")) && ![".", ".."].includes(first ?? ""))
    )
      throw refused(key, `${jsonText(path)} is not how a path is written`);
    const stars = path.split("*").length - 1;
    if (path.length <= MAX_PATH_CHARS && stars <= MAX_STARS && path.split("/").length <= MAX_SEGMENTS) continue;
    throw new RelayError(
      "limit",
      `Cannot write "${key}": a path has at most ${MAX_PATH_CHARS} characters and ${MAX_STARS} stars`,
    );
  }
}

const MAX_TOKENS_SKIPPED = 1000; // tokens that may be passed over where the record was lost

class Transition {
  readonly #key: string;
  readonly #before: ClaimLedger;
  readonly #after: ClaimLedger;
  readonly #facts: AccessFacts;
  readonly #isTheirs: (session: string) => boolean;
  readonly #isUsers: (session: string) => boolean;

  constructor(caller: Caller, key: string, before: ClaimLedger, after: ClaimLedger, facts: AccessFacts) {
    this.#key = key;
    this.#before = before;
    this.#after = after;
    this.#facts = facts;
    this.#isTheirs = (session) => isTheirs(caller, session, facts);
    this.#isUsers = (session) =>
      session === caller.session || userOf(registrationIn(facts, session)?.owner) === userOf(caller.owner);
  }

  /** Fencing tokens only grow, and no faster than claims are made. */
  checkTokens(last: number): void {
    const { token, claims, queue } = this.#after;
    if (token < last || token > last + claims.length + queue.length + MAX_TOKENS_SKIPPED)
      throw this.#no("the last fencing token only grows");
  }

  /** Checks the claims of others that are missing or altered: none may be altered, or missing while it is live. */
  checkLost(): void {
    for (const claim of this.#before.claims) {
      const now = this.#after.claims.find(({ id }) => id === claim.id);
      if (isSame(now, claim) || this.#isTheirs(claim.session_id)) continue;
      if (now || isLive(claim, { now: this.#facts.now, isGone: this.#hasEnded, isDead: () => false }))
        throw new RelayError(
          "conflict",
          `Cannot take "${sayTargets(claim.targets)}" from ${claim.session_id}: it has it until ${claim.expires_at}`,
          { next: `agent-relay send --to ${claim.session_id} --kind request-yield "..."` },
        );
    }
  }

  /** Checks the claims that are new or altered. */
  checkTaken(): void {
    const { claims } = this.#after;
    if (new Set(claims.map(({ id }) => id)).size < claims.length) throw this.#no("two claims have one id");
    for (const claim of claims) {
      const old = this.#before.claims.find(({ id }) => id === claim.id);
      if (isSame(old, claim)) continue;
      const waiter = this.#before.queue.find(({ id }) => id === claim.id);
      if (waiter && !isAskedFor(waiter, claim)) throw this.#no("who stands in line gets what it asked for");
      checkTargets(this.#key, claim.targets);
      if (Buffer.byteLength(claim.reason ?? "") > MAX_CLAIM_REASON_BYTES || claim.targets.length > MAX_TARGETS)
        throw new RelayError("limit", `Cannot claim with more than ${MAX_CLAIM_REASON_BYTES} bytes of a reason`);
      if (old && old.session_id !== claim.session_id) throw this.#no("a claim goes to nobody else");
      if (!this.#isTheirs(claim.session_id) && !this.#isOffer(claim, waiter))
        throw this.#no(`nothing is claimed for ${claim.session_id}, which has not asked for it`);
      this.#checkToken(claim, old);
      this.#checkFree(claim, waiter, old);
    }
  }

  /** Checks the queue: waiters of others keep their places unless they got their claim; new waiters come last. */
  checkLine(): void {
    const isOthers = ({ session_id }: { session_id: string }) =>
      !this.#isTheirs(session_id) && !this.#hasEnded(session_id);
    const isGranted = (each: Waiter) =>
      this.#after.claims.some((claim) => claim.id === each.id && isAskedFor(each, claim));
    const waited = this.#before.queue.filter((each) => isOthers(each) && !isGranted(each));
    if (!isSame(waited, this.#after.queue.filter(isOthers))) throw this.#no("others stand in line as they stood");
    for (const { targets } of this.#after.queue) checkTargets(this.#key, targets);
    const old = new Set(this.#before.queue.map(({ id }) => id));
    const firstNew = this.#after.queue.findIndex(({ id }) => !old.has(id));
    if (firstNew >= 0 && this.#after.queue.slice(firstNew).some(({ id }) => old.has(id)))
      throw this.#no("who comes now stands at the end of the line");
    if (!isSame(this.#before.edges.filter(isOthers), this.#after.edges.filter(isOthers)))
      throw this.#no("others wait for what they wait for");
  }

  checkRoom(): void {
    const held = new Map<string, number>();
    for (const { session_id, targets } of [...this.#after.claims, ...this.#after.queue])
      held.set(session_id, (held.get(session_id) ?? 0) + targets.length);
    for (const [session, count] of held)
      if (count > 2 * MAX_TARGETS && this.#isTheirs(session))
        throw new RelayError("limit", `Cannot claim more: ${session} has ${count} of at most ${MAX_TARGETS}`);
    const [before, after] = [this.#bytesOf(this.#before), this.#bytesOf(this.#after)];
    if (after > before && after > MAX_USER_CLAIM_BYTES)
      throw new RelayError(
        "limit",
        `Cannot claim more: your claims have ${after} bytes of at most ${MAX_USER_CLAIM_BYTES}`,
        {
          next: "claim the folder they are in, or agent-relay release what you do not need",
        },
      );
  }

  /** What the claims of the caller's user take of the record. */
  #bytesOf({ claims, queue, edges }: ClaimLedger): number {
    const theirs = [...claims, ...queue, ...edges].filter(({ session_id }) => this.#isUsers(session_id));
    return Buffer.byteLength(jsonText(theirs));
  }

  /** Whether a claim for another session is an offer: freed targets, given for a short while to a waiter to accept. */
  #isOffer(claim: Claim, waiter: Waiter | undefined): boolean {
    const until = claim.offered_until === undefined ? Number.POSITIVE_INFINITY : Date.parse(claim.offered_until);
    return waiter !== undefined && until <= this.#facts.now + OFFER_MS + MAX_CLOCK_LEAD_MS;
  }

  #checkToken(claim: Claim, old: Claim | undefined): void {
    const isNew = claim.token > this.#before.token && claim.token <= this.#after.token;
    const grows =
      old?.mode !== claim.mode || claim.targets.some((one) => !old.targets.some((each) => isSame(each, one)));
    if ((claim.token !== old?.token || grows) && !isNew)
      throw this.#no("a claim has a fencing token larger than all before");
    if (
      claim.ttl_ms > LEASE_TTL_MS.max ||
      Date.parse(claim.expires_at) > this.#facts.now + LEASE_TTL_MS.max + MAX_CLOCK_LEAD_MS
    )
      throw this.#no("a claim lasts 8 hours at most");
  }

  #checkFree(claim: Claim, waiter: Waiter | undefined, old: Claim | undefined): void {
    const ahead = waiter ? this.#before.queue.slice(0, this.#before.queue.indexOf(waiter)) : this.#before.queue;
    const waiting =
      claim.token === old?.token ? [] : this.#after.queue.filter(({ id }) => ahead.some((each) => each.id === id));
    const [first] = blockers(this.#after, claim, waiting);
    if (!first) return;
    const who = "claim" in first ? first.claim.session_id : first.waiter.session_id;
    throw new RelayError("conflict", `Cannot claim "${sayTargets(claim.targets)}": ${who} comes first`, {
      next: "agent-relay claims",
    });
  }

  readonly #hasEnded = (session: string): boolean =>
    !this.#facts.records.get(`agents/${session}`) && this.#facts.records.get(`archive/agents/${session}`) !== undefined;

  #no(why: string): RelayError {
    return refused(this.#key, why);
  }
}

function isAskedFor(waiter: Waiter, claim: Claim): boolean {
  return waiter.session_id === claim.session_id && waiter.mode === claim.mode && isSameTargets(waiter, claim);
}
