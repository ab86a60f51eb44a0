import { describe, expect, test } from "vitest";
import { type Claim, type ClaimTarget, checkTtl, OFFER_MS, targetsMeet, type Waiter } from "../../src/claims/claim.ts";
import { deadlock } from "../../src/claims/deadlock.ts";
import {
  accept,
  blockers,
  type ClaimFacts,
  type ClaimLedger,
  type ClaimRequest,
  EMPTY_LEDGER,
  enqueue,
  expireAndOffer,
  giveUp,
  isLive,
  leaveQueue,
  renew,
  sessionOfBlocker,
  take,
} from "../../src/claims/rules.ts";
import { LEASE_TTL_MS } from "../../src/limits.ts";
import { iso } from "../../src/time.ts";

const NOON = Date.parse("2026-03-01T12:00:00.000Z");
const MINUTE = 60_000;

function at(now: number, gone: readonly string[] = [], dead: readonly string[] = []): ClaimFacts {
  return { now, isGone: (session) => gone.includes(session), isDead: ({ id }) => dead.includes(id) };
}
const facts = at(NOON);

/** `ann wants src`: its id says both. */
function request(session_id: string, paths: string, more: Partial<ClaimRequest> = {}): ClaimRequest {
  const targets: ClaimTarget[] = paths.split(" ").map((path) => ({ path }));
  return {
    id: `${session_id}:${paths}`,
    session_id,
    agent_id: "claude",
    targets,
    mode: "exclusive",
    ttl_ms: 30 * MINUTE,
    ...more,
  };
}

function waiter(session_id: string, paths: string, more: Partial<Waiter> = {}): Waiter {
  return { ...request(session_id, paths), since: iso(NOON), pid: 1, place: "here", ...more };
}

/** A record in which these were taken, in this order. */
function held(...wishes: readonly ClaimRequest[]): ClaimLedger {
  return wishes.reduce((claims, each) => take(claims, each, facts).claims, EMPTY_LEDGER);
}

function queued(claims: ClaimLedger, ...waiters: readonly Waiter[]): ClaimLedger {
  return waiters.reduce(enqueue, claims);
}

const ids = (all: readonly { readonly id: string }[]) => all.map(({ id }) => id);
const claimOf = (claims: ClaimLedger, id: string): Claim | undefined => claims.claims.find((claim) => claim.id === id);
const inTheWay = (claims: ClaimLedger, wanted: ClaimRequest) => blockers(claims, wanted).map(sessionOfBlocker);

describe("taking", () => {
  test("what is free is had until its time is over, under the next token", () => {
    const { claims, claim } = take(
      { ...EMPTY_LEDGER, token: 41 },
      request("ann", "src", { reason: "new index" }),
      facts,
    );
    expect(claim).toEqual({
      ...{ id: "ann:src", session_id: "ann", agent_id: "claude", targets: [{ path: "src" }], mode: "exclusive" },
      ...{
        reason: "new index",
        token: 42,
        claimed_at: iso(NOON),
        expires_at: iso(NOON + 30 * MINUTE),
        ttl_ms: 30 * MINUTE,
      },
    });
    expect(claims).toEqual({ token: 42, claims: [claim], queue: [], edges: [] });
  });

  test("what another has is not had, and the record stays the very same", () => {
    const claims = held(request("ann", "src"));
    const taken = take(claims, request("bob", "docs src/db.ts"), facts);
    expect(taken).toEqual({ claims, blockers: [{ claim: claims.claims[0] }] });
    expect(taken.claims).toBe(claims);
  });

  test("a claim that has run out keeps nobody out, to the millisecond", () => {
    const claims = held(request("ann", "src", { ttl_ms: MINUTE }));
    const [claim] = claims.claims;
    expect(claim && [isLive(claim, at(NOON + MINUTE - 1)), isLive(claim, at(NOON + MINUTE))]).toEqual([true, false]);
    expect(expireAndOffer(claims, at(NOON + MINUTE - 1))).toBe(claims);
    expect(expireAndOffer(claims, at(NOON + MINUTE)).claims).toEqual([]);
  });

  test("shared claims live side by side, but with no exclusive one of another", () => {
    const shared = { mode: "shared" } as const;
    const claims = held(request("ann", "src", shared), request("bob", "src/db.ts", shared));
    expect(claims.claims).toHaveLength(2);
    expect(inTheWay(claims, request("cay", "src", shared))).toEqual([]);
    expect(inTheWay(claims, request("cay", "src/db.ts"))).toEqual(["ann", "bob"]);
    expect(inTheWay(held(request("ann", "src")), request("bob", "src", shared))).toEqual(["ann"]);
    expect(inTheWay(claims, request("ann", "src")), "a sharer that wants it alone").toEqual(["bob"]);
  });

  test("one's own claims are not in one's way", () => {
    const claims = held(request("ann", "src"), request("ann", "src/db.ts"), request("ann", "**/*.ts"));
    expect(claims.claims).toHaveLength(3);
  });

  test("a token is larger than every earlier one, also than those of claims that are gone", () => {
    let claims = EMPTY_LEDGER;
    const tokens: number[] = [];
    for (const [index, session] of ["ann", "bob", "cay"].entries()) {
      const now = NOON + index * 2 * MINUTE;
      const taken = take(expireAndOffer(claims, at(now)), request(session, "src", { ttl_ms: MINUTE }), at(now));
      tokens.push(taken.claim?.token ?? 0);
      claims = taken.claims;
    }
    expect(tokens).toEqual([1, 2, 3]);
  });
});

describe("targets", () => {
  test("of a path that lies in the other, or may do so, meet", () => {
    expect(targetsMeet({ path: "src" }, { path: "src/db.ts" })).toBe(true);
    expect(targetsMeet({ path: "src/*.ts" }, { path: "*/db.*" })).toBe(true);
    expect(targetsMeet({ path: "src" }, { path: "docs" })).toBe(false);
  });

  test("that are resources meet by their name alone, and never a path", () => {
    expect(targetsMeet({ resource: "db" }, { resource: "db" })).toBe(true);
    expect(targetsMeet({ resource: "db" }, { resource: "db2" })).toBe(false);
    expect(targetsMeet({ resource: "*" }, { resource: "db" })).toBe(false);
    expect(targetsMeet({ resource: "db" }, { path: "db" })).toBe(false);
  });

  test("in one worktree meet those in all of them, and not those in another one", () => {
    const here = { path: "src", worktree: "/w1" };
    expect(targetsMeet(here, { path: "src/db.ts" })).toBe(true);
    expect(targetsMeet(here, { path: "src/db.ts", worktree: "/w1" })).toBe(true);
    expect(targetsMeet(here, { path: "src/db.ts", worktree: "/w2" })).toBe(false);
  });

  test("outside the project are not in it, not even for the whole project", () => {
    expect(targetsMeet({ path: "." }, { path: "/etc/hosts" })).toBe(false);
    expect(targetsMeet({ path: "/etc" }, { path: "/etc/hosts" })).toBe(true);
  });

  test("whose name looks a little like a Windows drive are in the project all the same", () => {
    expect(targetsMeet({ path: "." }, { path: "a:b.txt" })).toBe(true);
  });
});

describe("renewing", () => {
  test("the same again lasts its whole time again, under the same token and id", () => {
    const claims = held(request("ann", "src docs", { reason: "why" }));
    const again = take(claims, request("ann", "docs src", { id: "other", ttl_ms: MINUTE }), at(NOON + 5 * MINUTE));
    expect(again.claim).toEqual({
      ...claims.claims[0],
      ttl_ms: MINUTE,
      expires_at: iso(NOON + 6 * MINUTE),
    });
    expect(again.claims.claims).toEqual([again.claim]);
    expect(take(claims, request("ann", "src docs", { reason: "new" }), facts).claim?.reason).toBe("new");
  });

  test("renews all of a session's claims by their own times, and nobody else's", () => {
    const claims = held(request("ann", "src", { ttl_ms: MINUTE }), request("ann", "docs"), request("bob", "lib"));
    const later = renew(claims, "ann", NOON + 30_000);
    expect(later.claims.map((claim) => Date.parse(claim.expires_at) - NOON)).toEqual([
      90_000,
      30_000 + 30 * MINUTE,
      30 * MINUTE,
    ]);
    expect(renew(claims, "cay", NOON + 1)).toBe(claims);
  });

  test("an offer is not renewed: it must be taken up", () => {
    const offered = expireAndOffer(queued(held(request("ann", "src")), waiter("bob", "src")), at(NOON, ["ann"]));
    expect(offered.claims).toHaveLength(1);
    expect(renew(offered, "bob", NOON + 1)).toBe(offered);
  });

  test("a claim lasts 10 seconds to 8 hours, both included", () => {
    expect([checkTtl(LEASE_TTL_MS.min), checkTtl(LEASE_TTL_MS.max), LEASE_TTL_MS.default]).toEqual([
      10_000,
      8 * 3_600_000,
      30 * MINUTE,
    ]);
    for (const ttl of [LEASE_TTL_MS.min - 1, LEASE_TTL_MS.max + 1, 0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => checkTtl(ttl)).toThrow("a claim lasts 10 seconds to 8 hours");
  });
});

describe("the queue", () => {
  test("is served first come, first served", () => {
    let claims = queued(held(request("ann", "src")), waiter("bob", "src"), waiter("cay", "src"), waiter("dan", "src"));
    const served: string[] = [];
    while (claims.claims[0]) {
      served.push(claims.claims[0].session_id);
      claims = drop(claims, claims.claims, facts);
    }
    expect(served).toEqual(["ann", "bob", "cay", "dan"]);
    expect(claims.token).toBe(4);
  });

  test("a release gives what became free to all who can have it at once", () => {
    const shared = { mode: "shared" } as const;
    const claims = queued(
      held(request("ann", "src")),
      waiter("bob", "src/db.ts", shared),
      waiter("cay", "src", shared),
      waiter("dan", "src"),
      waiter("eve", "src", shared),
    );
    const next = drop(claims, claims.claims, facts);
    expect(ids(next.claims)).toEqual(["bob:src/db.ts", "cay:src"]);
    expect(ids(next.queue), "who shares does not pass one who wants it alone").toEqual(["dan:src", "eve:src"]);
  });

  test("who waits behind a blocked one for something unrelated is not held back", () => {
    const claims = queued(
      held(request("ann", "src"), request("ann", "docs")),
      waiter("bob", "src"),
      waiter("cay", "docs"),
    );
    const next = drop(
      claims,
      [claims.claims[1]].flatMap((claim) => claim ?? []),
      facts,
    );
    expect(ids(next.claims)).toEqual(["ann:src", "cay:docs"]);
    expect(ids(next.queue)).toEqual(["bob:src"]);
  });

  test("a newcomer does not pass those who wait, also where what it wants is free", () => {
    const claims = queued(held(request("ann", "src")), waiter("bob", "src docs"));
    expect(inTheWay(claims, request("cay", "docs"))).toEqual(["bob"]);
    expect(inTheWay(claims, request("cay", "src"))).toEqual(["ann", "bob"]);
    expect(inTheWay(claims, request("cay", "lib"))).toEqual([]);
  });

  test("who holds what a waiter waits for may go on taking what it needs to finish", () => {
    const claims = queued(held(request("ann", "src")), waiter("bob", "src docs"));
    expect(take(claims, request("ann", "docs"), facts).claim?.token).toBe(2);
    expect(take(claims, request("ann", "src"), facts).claim?.token, "and renew").toBe(1);
  });

  test("a waiter whose process is dead, or whose session is gone, leaves it", () => {
    const claims = queued(
      held(request("ann", "src")),
      waiter("bob", "src"),
      waiter("cay", "src"),
      waiter("dan", "src"),
    );
    const next = drop(claims, claims.claims, at(NOON, ["cay"], ["bob:src"]));
    expect(ids(next.claims)).toEqual(["dan:src"]);
    expect(next.queue).toEqual([]);
  });

  test("who leaves it lets those behind go on", () => {
    const claims = queued(held(request("ann", "src")), waiter("bob", "src docs"), waiter("cay", "docs"));
    const next = leaveQueue(claims, "bob:src docs", facts);
    expect([ids(next.claims), next.queue]).toEqual([["ann:src", "cay:docs"], []]);
  });

  test("a holder that is gone is passed over at once, whatever its lease says", () => {
    const claims = queued(held(request("ann", "src", { ttl_ms: LEASE_TTL_MS.max })), waiter("bob", "src"));
    expect(ids(expireAndOffer(claims, at(NOON + 1, ["ann"])).claims)).toEqual(["bob:src"]);
    expect(
      take(expireAndOffer(held(request("ann", "src")), at(NOON, ["ann"])), request("bob", "src"), facts).claim?.token,
    ).toBe(2);
  });

  test("when nothing is to be done the record stays the very same", () => {
    const claims = queued(held(request("ann", "src")), waiter("bob", "src"));
    expect(expireAndOffer(claims, facts)).toBe(claims);
    const offered = expireAndOffer(claims, at(NOON, ["ann"]));
    expect(expireAndOffer(offered, at(NOON, ["ann"]))).toBe(offered);
  });
});

describe("an offer", () => {
  const line = queued(held(request("ann", "src")), waiter("bob", "src"), waiter("cay", "src"));
  const offered = drop(line, line.claims, facts);

  test("is a claim like any other until its 10 s are over", () => {
    expect(claimOf(offered, "bob:src")).toMatchObject({ token: 2, offered_until: iso(NOON + OFFER_MS) });
    expect(inTheWay(expireAndOffer(offered, at(NOON + OFFER_MS - 1)), request("dan", "src"))).toEqual(["bob", "cay"]);
  });

  test("taken up, is had for its whole time from then", () => {
    const accepted = accept(offered, "bob:src", NOON + 9000);
    const claim = accepted && claimOf(accepted, "bob:src");
    expect(claim).toMatchObject({ token: 2, claimed_at: iso(NOON + 9000), expires_at: iso(NOON + 9000 + 30 * MINUTE) });
    expect(claim).not.toHaveProperty("offered_until");
    expect(accepted && expireAndOffer(accepted, at(NOON + OFFER_MS))).toBe(accepted);
  });

  test("not taken up goes to the next, and cannot be taken up any more", () => {
    const next = expireAndOffer(offered, at(NOON + OFFER_MS));
    expect(ids(next.claims)).toEqual(["cay:src"]);
    expect(claimOf(next, "cay:src")).toMatchObject({ token: 3, offered_until: iso(NOON + 2 * OFFER_MS) });
    expect(accept(next, "bob:src", NOON + OFFER_MS)).toBeUndefined();
  });

  test("refused by leaving goes to the next at once", () => {
    expect(ids(leaveQueue(offered, "bob:src", facts).claims)).toEqual(["cay:src"]);
  });

  test("that was taken up does not go with the place in the line", () => {
    const accepted = accept(offered, "bob:src", NOON) ?? EMPTY_LEDGER;
    expect(ids(leaveQueue(accepted, "bob:src", facts).claims)).toEqual(["bob:src"]);
  });

  test("to a session that has died since goes to the next at once", () => {
    expect(ids(expireAndOffer(offered, at(NOON + 1, ["bob"])).claims)).toEqual(["cay:src"]);
  });
});

describe("a circle", () => {
  const wants = (claims: ClaimLedger, wanted: ClaimRequest) =>
    deadlock(claims, wanted.session_id, inTheWay(claims, wanted), "what it wants");

  test("of two is found by the one that would close it, with who waits for what", () => {
    const claims = queued(held(request("ann", "a"), request("bob", "b")), waiter("ann", "b"));
    expect(wants(claims, request("bob", "a"))).toEqual([
      { session: "bob", for: "what it wants" },
      { session: "ann", for: "b" },
    ]);
  });

  test("of five is found, and each is named once, in order", () => {
    const names = ["ann", "bob", "cay", "dan", "eve"];
    const next = (index: number) => names[(index + 1) % names.length] ?? "";
    const all = held(...names.map((name) => request(name, name)));
    const claims = queued(all, ...names.slice(0, 4).map((name, index) => waiter(name, next(index))));
    expect(wants(claims, request("eve", "ann"))?.map((step) => step.session)).toEqual([
      "eve",
      "ann",
      "bob",
      "cay",
      "dan",
    ]);
    for (const [index, name] of names.slice(0, 4).entries())
      expect(deadlock(queued(all, ...claims.queue.slice(0, index)), name, [next(index)], "x"), name).toBeUndefined();
  });

  test("goes also through who stands in line before, and through waits that are for no claim", () => {
    const line = queued(held(request("ann", "a"), request("cay", "c")), waiter("bob", "a c"));
    const behind = queued(line, waiter("cay", "a"));
    expect(wants(behind, request("ann", "c"))?.map((step) => step.session)).toEqual(["ann", "cay"]);
    const edges = [{ id: "e", session_id: "ann", on: ["bob"], for: "an answer", pid: 1, place: "here" }];
    expect(wants({ ...held(request("ann", "a")), edges }, request("bob", "a"))).toEqual([
      { session: "bob", for: "what it wants" },
      { session: "ann", for: "an answer" },
    ]);
  });

  test("is not seen where someone can still go on", () => {
    const claims = queued(
      held(request("ann", "a"), request("bob", "b"), request("cay", "c")),
      waiter("ann", "b"),
      waiter("cay", "a"),
    );
    expect(wants(claims, request("dan", "a")), "a long line").toBeUndefined();
    expect(wants(claims, request("bob", "d")), "nothing in the way").toBeUndefined();
    expect(wants(claims, request("ann", "b")), "the same wait twice").toBeUndefined();
    expect(
      wants(queued(held(request("ann", "a")), waiter("bob", "a"), waiter("cay", "a")), request("dan", "a")),
    ).toBeUndefined();
  });

  test("that others are in does not catch who only waits for one of them", () => {
    const claims = queued(held(request("ann", "a"), request("bob", "b")), waiter("ann", "b"), waiter("bob", "a"));
    expect(wants(claims, request("cay", "a"))).toBeUndefined();
  });
});

/** The record when these claims were given back. */
function drop(claims: ClaimLedger, dropped: readonly Claim[], facts: ClaimFacts): ClaimLedger {
  const isDropped = (claim: Claim) => dropped.includes(claim);
  return giveUp(claims, isDropped, () => true, facts).claims;
}
