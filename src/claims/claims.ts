import { ensureRegistered } from "../agents/register.ts";
import { callsOf, refuseElsewhere } from "../agents/registry.ts";
import type { Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { newId } from "../id.ts";
import { MAX_CLAIM_REASON_BYTES } from "../limits.ts";
import { isMirrored, whenDecided } from "../project/upstream.ts";
import { checkSegment } from "../store/key.ts";
import {
  type Claim,
  type ClaimMode,
  type ClaimTarget,
  checkMode,
  checkTtl,
  isCovered,
  isNamed,
  sayTargets,
  targetsMeet,
  type Waiter,
} from "./claim.ts";
import { changeClaims, factsOf, readClaims, settleClaims } from "./ledger.ts";
import { pathTargets, typedFrom, whence } from "./paths.ts";
import { callsOfBlockers, circleError, quotedTargets, tryClaim, waitInQueue } from "./queue.ts";
import {
  blockers,
  type ClaimLedger,
  type ClaimRequest,
  expireAndOffer,
  giveUp,
  isLive,
  renew,
  withTtl,
} from "./rules.ts";
import { type Advice, askCommand, claimAgainCommand, heldError, notHeldError } from "./wording.ts";

export interface ClaimOptions {
  /** Named things that are no files, such as `db-migrations`. */
  readonly resources?: readonly string[] | undefined;
  /** Default `exclusive`; any number of sessions may have `shared` claims on the same thing. */
  readonly mode?: ClaimMode | undefined;
  readonly reason?: string | undefined;
  /** How long it lasts if it is not renewed, ms: 10 seconds to 8 hours, default 30 minutes. */
  readonly ttlMs?: number | undefined;
  /** What relative paths are relative to; default the folder the Relay was made for. */
  readonly cwd?: string | undefined;
  /** Means the paths in this worktree only. */
  readonly thisWorktreeOnly?: boolean | undefined;
  /** The paths are files' own names, which a program has: no character of them is a wildcard. */
  readonly exact?: boolean | undefined;
}

export interface WaitingClaimOptions extends ClaimOptions {
  /** How long to wait in the queue, ms; Infinity: as long as it takes. Without it, a held target is a `conflict`. */
  readonly waitMs?: number | undefined;
  /** Ends the wait, by its reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface ReleaseOptions extends ClaimOptions {
  /** A person takes the claim from its holder, who is told. */
  readonly force?: boolean | undefined;
}

export interface RenewOptions {
  /** Renews only once half of the time of one of them is over. */
  readonly ifDue?: boolean | undefined;
}

/** The result of `check`. */
export interface ClaimCheck {
  /** Nobody else holds any of it, and nobody waits for it. */
  readonly is_free: boolean;
  /** This session holds all of it. */
  readonly is_mine: boolean;
  readonly claims: readonly Claim[];
  /** Other waiters for any of it, the first first. */
  readonly queue: readonly Waiter[];
}

/** Claims paths and resources, all or none; renews a claim on just these. Throws `conflict`, `timed_out`. */
export async function claim(
  context: Context,
  paths: readonly string[],
  options: WaitingClaimOptions = {},
): Promise<Claim> {
  const ask = askCommand([...paths, ...(options.resources ?? [])]);
  return claimTargets(context, targetsOf(context, paths, options), options, {
    again: claimAgainCommand(paths, options),
    ask,
  });
}

/** `claim` for canonical targets. */
export async function claimTargets(
  context: Context,
  targets: readonly ClaimTarget[],
  options: WaitingClaimOptions,
  advice: Advice,
): Promise<Claim> {
  const request: ClaimRequest = {
    id: newId("claim", context.now()),
    session_id: context.session,
    agent_id: context.agent,
    targets,
    mode: checkMode(options.mode ?? "exclusive"),
    ...(options.reason === undefined ? {} : { reason: checkReason(options.reason) }),
    ...(options.ttlMs === undefined ? {} : { ttl_ms: checkTtl(options.ttlMs) }),
    ...((await isMirrored(context)) && { tentative: true }),
  };
  options.signal?.throwIfAborted();
  await ensureRegistered(context);
  await context.settle(); // sessions that wait for an expired claim are told before it is taken again
  const isPatient = options.waitMs !== undefined && options.waitMs > 0;
  const first = await changeClaims(
    context,
    (claims, facts) => tryClaim(claims, request, facts, isPatient),
    request.targets,
  );
  if (first.claim) return awaitServerVerdict(context, first.claim, request, advice);
  if (first.circle) throw await circleError(context, quotedTargets(request), first.circle);
  if (options.waitMs === undefined || !isPatient)
    throw heldError(request, advice, first.blockers, await callsOfBlockers(context, first.blockers), context.now());
  return awaitServerVerdict(
    context,
    await waitInQueue(context, request, advice, options.waitMs, options.signal),
    request,
    advice,
  );
}

/** The claim as the server grants it, if the server can be asked now. Throws `conflict` for one that it refuses. */
async function awaitServerVerdict(
  context: Context,
  claim: Claim,
  request: ClaimRequest,
  advice: Advice,
): Promise<Claim> {
  if (!claim.tentative) return claim;
  const found = await whenDecided(context, async () => {
    const claims = await readClaims(context);
    const now = claims.claims.find(({ id }) => id === claim.id);
    return now?.tentative ? undefined : { now, claims };
  });
  if (!found) return claim;
  if (found.now) return found.now;
  const inTheWay = blockers(found.claims, request);
  if (inTheWay.length === 0)
    throw new RelayError("conflict", `Cannot claim "${sayTargets(request.targets)}": the server does not give it`, {
      next: "agent-relay inbox, which says why",
    });
  throw heldError(request, advice, inTheWay, await callsOfBlockers(context, inTheWay), context.now());
}

/** Releases this session's claims on these paths, or all. Throws `not_found`, `refused` for what others hold. */
export async function release(
  context: Context,
  paths: readonly string[] | "all",
  options: ReleaseOptions = {},
): Promise<Claim[]> {
  const targets = paths === "all" ? undefined : targetsOf(context, paths, options);
  if ((await readClaims(context)).claims.length === 0) {
    if (targets) throw await notHeld(context, targets, [], options);
    return []; // a release creates no relay
  }
  const isForced = options.force === true && targets !== undefined;
  for (const { session_id } of isForced ? (await claimsNear(context, targets)).claims : [])
    await refuseElsewhere(context, session_id);
  const isWhose = (claim: Claim) => isForced || claim.session_id === context.session;
  let apart: readonly ClaimTarget[] | undefined;
  // A claim in one worktree only is released from that worktree only.
  const inWorktree = () =>
    (apart ??= paths === "all" ? [] : targetsOf(context, paths, { ...options, thisWorktreeOnly: true }));
  const isMeant = (target: ClaimTarget) =>
    targets === undefined ||
    (target.worktree === undefined ? targets : inWorktree()).some((named) => isNamed(target, named));
  const { given, standing } = await changeClaims(
    context,
    (claims, facts) => {
      const { claims: next, given } = giveUp(claims, isWhose, isMeant, facts);
      return { claims: next, result: { given, standing: claims.claims } };
    },
    targets ?? [],
  );
  if (targets && given.length === 0) throw await notHeld(context, targets, standing, options);
  return given;
}

async function notHeld(
  context: Context,
  targets: readonly ClaimTarget[],
  claims: readonly Claim[],
  { cwd }: ReleaseOptions,
) {
  const call = await callsOf(
    context,
    claims.map(({ session_id }) => session_id),
  );
  const from = (path: string) => typedFrom(path, whence(context, { cwd }));
  return notHeldError(targets, claims, { me: context.session, call, from });
}

/** Releases one claim, if it is still held. */
export function giveBack(context: Context, { id }: Claim): Promise<void> {
  return giveBackById(context, id);
}

export async function giveBackById(context: Context, id: string): Promise<void> {
  await changeClaims(context, (claims, facts) => {
    const kept = claims.claims.filter((claim) => claim.id !== id);
    return {
      claims: kept.length === claims.claims.length ? claims : expireAndOffer({ ...claims, claims: kept }, facts),
      result: 0,
    };
  });
}

/** Lets one claim last for `ttl` ms from now, also at its renewals. */
export async function extend(context: Context, { id }: Pick<Claim, "id">, ttl: number): Promise<void> {
  await changeClaims(context, (claims, { now }) => ({ claims: withTtl(claims, id, now, ttl), result: 0 }), []);
}

/** Every live claim, the oldest first. */
export async function claims(context: Context): Promise<Claim[]> {
  const all = await readClaims(context);
  const facts = await factsOf(context, all);
  return all.claims.filter((claim) => isLive(claim, facts));
}

/** Tells who holds these paths and resources, or waits for them. Claims nothing. */
export async function check(
  context: Context,
  paths: readonly string[],
  options: ClaimOptions = {},
): Promise<ClaimCheck> {
  const { session } = context;
  const targets = targetsOf(context, paths, options);
  const found = await claimsNear(context, targets);
  const mine = found.claims.filter((claim) => claim.session_id === session);
  return {
    is_free: blockers(found, { session_id: session, targets, mode: options.mode ?? "exclusive" }).length === 0,
    is_mine: targets.every((one) => mine.some((claim) => claim.targets.some((target) => isCovered(one, target)))),
    claims: found.claims,
    queue: found.queue.filter((waiter) => waiter.session_id !== session && meet(waiter.targets, targets)),
  };
}

function meet(some: readonly ClaimTarget[], others: readonly ClaimTarget[]): boolean {
  return some.some((one) => others.some((other) => targetsMeet(one, other)));
}

/**
 * The live claims on any of `targets`, and the queue. While nobody waits, only the holders of these claims are checked,
 * however many others there are.
 */
async function claimsNear(context: Context, targets: readonly ClaimTarget[]): Promise<ClaimLedger> {
  const meets = (claim: Claim) => meet(claim.targets, targets);
  const all = await readClaims(context);
  const claims = all.claims.filter(meets);
  const facts = await factsOf(context, { ...all, claims });
  if (all.queue.length === 0) return { ...all, claims: claims.filter((claim) => isLive(claim, facts)) };
  const settled = await settleClaims(context);
  return { ...settled, claims: settled.claims.filter(meets) };
}

/** Renews this session's claims; with `ifDue`, only once half of one's lease is over. Returns the renewed claims. */
export async function renewClaims(context: Context, { ifDue = false }: RenewOptions = {}): Promise<Claim[]> {
  const isMine = (claim: Claim) => claim.session_id === context.session;
  const all = await readClaims(context);
  const mine = all.claims.filter(isMine);
  if (mine.length === 0) return [];
  if (ifDue) {
    const facts = await factsOf(context, { ...all, claims: mine });
    if (!mine.some((claim) => isLive(claim, facts) && Date.parse(claim.expires_at) - facts.now < claim.ttl_ms / 2))
      return [];
  }
  return changeClaims(context, (claims, { now }) => {
    const next = renew(claims, context.session, now);
    return { claims: next, result: next.claims.filter(isMine) };
  });
}

function targetsOf(context: Context, paths: readonly string[], options: ClaimOptions): ClaimTarget[] {
  const base = whence(context, { cwd: options.cwd, thisWorktreeOnly: options.thisWorktreeOnly, exact: options.exact });
  const resources = (options.resources ?? []).map((resource) => ({ resource: checkSegment(resource, "resource") }));
  const targets = [...paths.flatMap((typed) => pathTargets(typed, base)), ...resources];
  if (targets.length === 0) throw new RelayError("usage", "Cannot tell what is meant: give a path or a resource");
  return targets;
}

function checkReason(reason: string): string {
  if (Buffer.byteLength(reason) <= MAX_CLAIM_REASON_BYTES) return reason;
  throw new RelayError("limit", `Cannot give a reason of more than ${MAX_CLAIM_REASON_BYTES} bytes`, {
    next: "say it shorter",
  });
}
