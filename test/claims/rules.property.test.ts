import fc from "fast-check";
import { expect, test } from "vitest";
import { type Claim, type ClaimTarget, OFFER_MS, targetsMeet, type Waiter } from "../../src/claims/claim.ts";
import { deadlock, deadlockOf } from "../../src/claims/deadlock.ts";
import {
  accept,
  blockers,
  type ClaimFacts,
  ClaimLedger,
  type ClaimRequest,
  EMPTY_LEDGER,
  enqueue,
  expireAndOffer,
  giveUp,
  leaveQueue,
  renew,
  sessionOfBlocker,
  take,
} from "../../src/claims/rules.ts";
import { iso } from "../../src/time.ts";

const NOON = Date.parse("2026-03-01T12:00:00.000Z");
const SESSIONS = ["ann", "bob", "cay", "dan"];

const target = fc.constantFrom<ClaimTarget>(
  ...["src", "src/a.ts", "src/*.md", "docs", "**/a.*"].map((path) => ({ path })),
  { path: "docs", worktree: "/w1" },
  { path: "docs", worktree: "/w2" },
  ...["db", "ci"].map((resource) => ({ resource })),
);
const wanted = fc.record({
  session_id: fc.constantFrom(...SESSIONS),
  targets: fc.array(target, { minLength: 1, maxLength: 2 }),
  mode: fc.constantFrom("exclusive" as const, "shared" as const),
  ttl_ms: fc.constantFrom(10_000, 60_000),
});
const act = fc.oneof(
  { weight: 6, arbitrary: fc.record({ what: fc.constant("ask" as const), wanted, waits: fc.boolean() }) },
  fc.record({
    what: fc.constantFrom("release", "leave", "accept", "renew", "kill waiter", "kill session", "come back"),
    pick: fc.nat(),
  }),
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constant("time" as const), ms: fc.constantFrom(0, 1, OFFER_MS, 25_000) }),
  },
);
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;

/** The record, the world it lives in, and one thing after the other that happens to it. */
class Model {
  claims: ClaimLedger = EMPTY_LEDGER;
  now = NOON;
  readonly gone = new Set<string>();
  readonly dead = new Set<string>();
  #count = 0;

  get facts(): ClaimFacts {
    const { now, gone, dead } = this;
    return { now, isGone: (session) => gone.has(session), isDead: ({ id }) => dead.has(id) };
  }

  do(act: Act): void {
    if (act.what === "time") this.now += act.ms;
    else if (act.what === "ask") this.#ask({ id: `${++this.#count}`, agent_id: "claude", ...act.wanted }, act.waits);
    else this.#other(act.what, act.pick);
  }

  /** Each waiter looks around, and leaves a line that would never move. */
  look(): void {
    for (const { id } of this.claims.queue)
      if (deadlockOf(this.claims, id)) this.claims = leaveQueue(this.claims, id, this.facts);
  }

  #ask(request: ClaimRequest, waits: boolean): void {
    if (this.gone.has(request.session_id)) return;
    const taken = take(expireAndOffer(this.claims, this.facts), request, this.facts);
    const closes = deadlock(taken.claims, request.session_id, taken.blockers.map(sessionOfBlocker), "x");
    const joins = !taken.claim && waits && !closes;
    const waiter: Waiter = { ...request, since: iso(this.now), pid: 1, place: "here" };
    this.claims = joins ? enqueue(taken.claims, waiter) : taken.claims;
  }

  #other(what: string, pick: number): void {
    const settled = expireAndOffer(this.claims, this.facts);
    const claim = settled.claims[pick % Math.max(1, settled.claims.length)];
    const waiter = settled.queue[pick % Math.max(1, settled.queue.length)];
    const session = SESSIONS[pick % SESSIONS.length] ?? "";
    if (what === "kill session") this.gone.add(session);
    if (what === "come back") this.gone.delete(session);
    if (what === "kill waiter" && waiter) this.dead.add(waiter.id);
    if (what === "release" && claim) this.claims = drop(settled, [claim], this.facts);
    if (what === "leave" && waiter) this.claims = leaveQueue(settled, waiter.id, this.facts);
    if (what === "renew") this.claims = renew(settled, session, this.now);
    if (what === "accept" && claim) this.claims = accept(settled, claim.id, this.now) ?? settled;
  }
}

type Bid = Pick<Claim | Waiter, "session_id" | "mode" | "targets">;

function contend(a: Bid, b: Bid): boolean {
  const isShared = a.mode === "shared" && b.mode === "shared";
  return a.session_id !== b.session_id && !isShared && a.targets.some((x) => b.targets.some((y) => targetsMeet(x, y)));
}

/** Runs the acts, and shows the record before and after each of them, settled. */
function story(check: (before: ClaimLedger, after: ClaimLedger, model: Model) => void): void {
  fc.assert(
    fc.property(fc.array(act, { minLength: 5, maxLength: 40 }), (acts) => {
      const model = new Model();
      for (const each of acts) {
        const before = model.claims;
        model.do(each);
        model.claims = expireAndOffer(model.claims, model.facts);
        model.look();
        check(before, model.claims, model);
      }
    }),
    { numRuns: 300 },
  );
}

test("two contending claims of different sessions are never live at once", () => {
  story((_, { claims }) => {
    for (const [index, one] of claims.entries())
      for (const other of claims.slice(0, index)) expect(contend(one, other)).toBe(false);
  });
});

test("tokens only grow: each new claim has a larger one than there ever was", () => {
  story((before, after) => {
    const old = new Set(before.claims.map(({ token }) => token));
    const fresh = after.claims.map(({ token }) => token).filter((token) => !old.has(token));
    for (const token of fresh) expect(token).toBeGreaterThan(before.token);
    expect(new Set(after.claims.map(({ token }) => token)).size).toBe(after.claims.length);
    expect(after.token).toBe(Math.max(before.token, ...fresh));
  });
});

test("nobody waits for what nobody has and nobody wanted before, and no dead one waits", () => {
  story((_, { claims, queue }, { gone, dead }) => {
    for (const [index, waiter] of queue.entries()) {
      const others = [...claims, ...queue.slice(0, index)];
      expect(others.some((other) => contend(other, waiter))).toBe(true);
      expect(gone.has(waiter.session_id) || dead.has(waiter.id)).toBe(false);
    }
  });
});

test("who came first is served first, but for who holds what it waits for", () => {
  story((before, after) => {
    const served = before.queue.filter((waiter) => after.claims.some(({ id }) => id === waiter.id));
    for (const waiter of served) {
      const passed = before.queue
        .slice(0, before.queue.indexOf(waiter))
        .filter((ahead) => after.queue.includes(ahead) && contend(ahead, waiter));
      for (const ahead of passed) {
        const theirs = [...before.claims, ...after.claims].filter((claim) => claim.session_id === waiter.session_id);
        expect(theirs.some((claim) => claim.id !== waiter.id && contend(claim, ahead))).toBe(true);
      }
    }
  });
});

test("of the sessions that wait, one at least waits for nobody that waits: no circle ever forms", () => {
  story((_, after) => {
    const waits = (session: string) =>
      after.queue
        .filter((waiter) => waiter.session_id === session)
        .flatMap((waiter) =>
          blockers(after, waiter, after.queue.slice(0, after.queue.indexOf(waiter))).map(sessionOfBlocker),
        );
    const left = new Set(SESSIONS);
    for (let size = -1; size !== left.size; ) {
      size = left.size;
      for (const session of left) if (!waits(session).some((other) => left.has(other))) left.delete(session);
    }
    expect([...left]).toEqual([]);
  });
});

test("what is settled stays the very same, and survives the disk", () => {
  story((_, after, { facts }) => {
    expect(expireAndOffer(after, facts)).toBe(after);
    expect(ClaimLedger.parse(JSON.parse(JSON.stringify(after)), "claims/live")).toEqual(after);
  });
});

/** The record when these claims were given back. */
function drop(claims: ClaimLedger, dropped: readonly Claim[], facts: ClaimFacts): ClaimLedger {
  const isDropped = (claim: Claim) => dropped.includes(claim);
  return giveUp(claims, isDropped, () => true, facts).claims;
}
