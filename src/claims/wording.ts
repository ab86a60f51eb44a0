import type { Calls } from "../agents/registry.ts";
import { formatDuration, formatLeft } from "../duration.ts";
import { type ErrorBlocker, RelayError } from "../errors.ts";
import { quoted } from "../shell/quote.ts";
import { inQuotes } from "../text.ts";
import { localTime } from "../time.ts";
import { type Claim, type ClaimMode, type ClaimTarget, sayTargets, targetsMeet } from "./claim.ts";
import type { DeadlockStep } from "./deadlock.ts";
import { plain } from "./glob.ts";
import { type Blocker, type ClaimRequest, sessionOfBlocker } from "./rules.ts";

/** The commands that a refusal suggests, as they are typed where the claim was asked for. */
export interface Advice {
  /** Claims the same again, and waits. */
  readonly again: string;
  /** Asks the holders to yield. */
  readonly ask: string;
}

/** The error of a claim that is blocked. */
export function heldError(
  request: ClaimRequest,
  advice: Advice,
  inTheWay: readonly Blocker[],
  call: Calls,
  now: number,
): RelayError {
  const says = sayBlockers(inTheWay, call, now);
  return new RelayError("conflict", `Cannot claim "${sayTargets(request.targets)}": ${says}`, {
    next: nextFor(advice, inTheWay),
    quotesPeers: hasReason(inTheWay),
    details: { blockers: inTheWay.slice(0, MAX_TOLD).map((one) => asDetail(one, call)) },
  });
}

/** The error of a claim that was still blocked when its wait was over. */
export function waitedTooLong(
  request: ClaimRequest,
  advice: Advice,
  inTheWay: readonly Blocker[],
  call: Calls,
  now: number,
  patience: number,
): RelayError {
  const says = sayBlockers(inTheWay, call, now);
  const waited = `after ${formatDuration(patience)} of waiting, ${says}`;
  return new RelayError("timed_out", `Cannot claim "${sayTargets(request.targets)}": ${waited}`, {
    next: nextFor(advice, inTheWay),
    quotesPeers: hasReason(inTheWay),
    details: { blockers: inTheWay.slice(0, MAX_TOLD).map((one) => asDetail(one, call)) },
  });
}

const MAX_TOLD = 20; // blockers in an error's details: one may want what a thousand hold

function asDetail(blocker: Blocker, call: Calls): ErrorBlocker {
  const { session_id, targets, reason } = "claim" in blocker ? blocker.claim : blocker.waiter;
  const until = "claim" in blocker ? (blocker.claim.offered_until ?? blocker.claim.expires_at) : undefined;
  return {
    session_id,
    called: call(session_id),
    what: sayTargets(targets),
    how: "waiter" in blocker ? "line" : blocker.claim.offered_until === undefined ? "holds" : "offered",
    ...(until !== undefined && { until }),
    ...(reason !== undefined && { reason }),
  };
}

function hasReason(inTheWay: readonly Blocker[]): boolean {
  return inTheWay.some((blocker) => "claim" in blocker && blocker.claim.reason !== undefined);
}

function nextFor({ again, ask }: Advice, inTheWay: readonly Blocker[]): string {
  const [first] = inTheWay;
  return first && "claim" in first ? `${again}, or ${ask}` : again;
}

/** The command that asks whoever holds these paths and resources to yield them, or the part of its claim that they name. */
export function askCommand(what: readonly string[]): string {
  return `agent-relay send ${what.map((each) => `--claim ${typedPath(each)}`).join(" ")} "..."`;
}

/** The command that claims the same again and waits for it, run from the same folder. */
export function claimAgainCommand(
  paths: readonly string[],
  options: {
    readonly resources?: readonly string[] | undefined;
    readonly mode?: ClaimMode | undefined;
    readonly thisWorktreeOnly?: boolean | undefined;
  },
): string {
  const resources = (options.resources ?? []).flatMap((resource) => ["--resource", resource]);
  const flags = [...(options.mode === "shared" ? ["--shared"] : []), ...(options.thisWorktreeOnly ? ["--apart"] : [])];
  return ["agent-relay claim", ...paths.map(typedPath), ...resources, ...flags, "--wait 90s"].join(" ");
}

/** A target as it is typed where paths are spelled by `from`. */
function typedAs({ path, resource }: ClaimTarget, from: (path: string) => string): string {
  return path === undefined ? `--resource ${resource}` : typedPath(from(plain(path)));
}

/** A path as it can be typed in a shell: never taken for a flag. */
function typedPath(typed: string): string {
  return quoted(typed.startsWith("-") ? `./${typed}` : typed);
}

export function sayBlockers(inTheWay: readonly Blocker[], call: Calls, now: number): string {
  const facts = inTheWay.slice(0, 3).map((blocker) => {
    const who = call(sessionOfBlocker(blocker));
    if ("claim" in blocker) return sayClaim(who, blocker.claim, now);
    return `${who} is in line for "${sayTargets(blocker.waiter.targets)}" already`;
  });
  if (inTheWay.length > 3) facts.push(`and ${inTheWay.length - 3} more`);
  return facts.join("; ");
}

function sayClaim(who: string, claim: Claim, now: number): string {
  const end = Date.parse(claim.offered_until ?? claim.expires_at);
  const until = localTime(end);
  const why = claim.reason === undefined ? "" : `: ${inQuotes(claim.reason)}`;
  const what = `"${sayTargets(claim.targets)}"${claim.mode === "shared" ? ", shared," : ""}`;
  const has = claim.offered_until === undefined ? `holds ${what} until` : `is next for ${what} and may take it until`;
  return `${who} ${has} ${until} (${formatLeft(end - now)} more)${why}`;
}

/** The error of a wait that would close a deadlock. */
export function deadlockError(what: string, steps: readonly DeadlockStep[], call: Calls): RelayError {
  const [first] = steps;
  const chain = steps.map((step, index) => {
    const next = steps[index + 1] ?? first;
    return `${call(step.session)} waits for ${call(next?.session ?? "")} (${step.for})`;
  });
  return new RelayError("conflict", `Cannot wait for ${what}: nobody in this circle could go on: ${chain.join(", ")}`, {
    next: "give back what they wait for (agent-relay release), or answer them, then wait again",
    details: { circle: steps.map((step) => ({ session_id: step.session, for: step.for })) },
  });
}

interface NotHeldFacts {
  readonly me: string;
  readonly call: Calls;
  /** A claimed path as it is typed where the release was. */
  readonly from: (path: string) => string;
}

/** The error of a release of what this session does not hold. */
export function notHeldError(
  targets: readonly ClaimTarget[],
  claims: readonly Claim[],
  { me, call, from }: NotHeldFacts,
): RelayError {
  const what = sayTargets(targets);
  const meets = (claim: Claim) => claim.targets.some((one) => targets.some((other) => targetsMeet(one, other)));
  const inTheWay = claims.filter(meets);
  const other = inTheWay.find((claim) => claim.session_id !== me);
  const [mine] = inTheWay;
  if (!mine)
    return new RelayError("not_found", `Cannot release "${what}": nobody holds it`, { next: "agent-relay claims" });
  if (!other)
    return new RelayError(
      "not_found",
      `Cannot release "${what}": you hold it as a part of "${sayTargets(mine.targets)}"`,
      {
        next: `agent-relay release ${mine.targets.map((target) => typedAs(target, from)).join(" ")}`,
      },
    );
  return new RelayError(
    "refused",
    `Cannot release "${what}": ${call(other.session_id)} holds "${sayTargets(other.targets)}", not you`,
    {
      next: askCommand(other.targets.slice(0, 1).map((one) => one.resource ?? from(plain(one.path ?? "")))),
      details: { blockers: [asDetail({ claim: other }, call)] },
    },
  );
}
