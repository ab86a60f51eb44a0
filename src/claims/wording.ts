import type { Calls } from "../agents/registry.ts";
import { formatDuration, formatLeft } from "../duration.ts";
import { RelayError } from "../errors.ts";
import { quoted } from "../shell/quote.ts";
import { inQuotes } from "../text.ts";
import { isoSeconds } from "../time.ts";
import { type Claim, type ClaimMode, type ClaimTarget, sayTargets, targetsMeet } from "./claim.ts";
import type { DeadlockStep } from "./deadlock.ts";
import { type Blocker, type ClaimRequest, sessionOfBlocker } from "./rules.ts";

/** The error of a claim that is blocked. */
export function heldError(
  request: ClaimRequest,
  again: string,
  inTheWay: readonly Blocker[],
  call: Calls,
  now: number,
): RelayError {
  const says = sayBlockers(inTheWay, call, now);
  return new RelayError("conflict", `Cannot claim "${sayTargets(request.targets)}": ${says}`, {
    next: nextFor(again, inTheWay),
  });
}

/** The error of a claim that was still blocked when its wait was over. */
export function waitedTooLong(
  request: ClaimRequest,
  again: string,
  inTheWay: readonly Blocker[],
  call: Calls,
  now: number,
  patience: number,
): RelayError {
  const says = sayBlockers(inTheWay, call, now);
  const waited = `after ${formatDuration(patience)} of waiting, ${says}`;
  return new RelayError("timed_out", `Cannot claim "${sayTargets(request.targets)}": ${waited}`, {
    next: nextFor(again, inTheWay),
  });
}

function nextFor(again: string, inTheWay: readonly Blocker[]): string {
  const [first] = inTheWay;
  return first && "claim" in first ? `${again}, or ${askHolder(first.claim)}` : again;
}

/** The command that asks a claim's holder to yield it. */
function askHolder({ targets: [first = {}] }: Claim): string {
  return askCommand(first.resource ?? typedAs(first));
}

/** The command that asks a path's holder to yield it, or the part of its claim that the path names. */
export function askForPath(path: string): string {
  return askCommand(typedPath(path));
}

function askCommand(what: string): string {
  return `agent-relay send --claim ${what} "..."`;
}

/** The command that claims the same again and waits for it, run from the same folder. */
export function claimAgainCommand(
  paths: readonly string[],
  options: { readonly resources?: readonly string[]; readonly mode?: ClaimMode; readonly apart?: boolean },
): string {
  const resources = (options.resources ?? []).flatMap((resource) => ["--resource", resource]);
  const flags = [...(options.mode === "shared" ? ["--shared"] : []), ...(options.apart ? ["--apart"] : [])];
  return ["agent-relay claim", ...paths.map(typedPath), ...resources, ...flags, "--wait 10m"].join(" ");
}

function typedAs({ path, resource }: ClaimTarget): string {
  return path === undefined ? `--resource ${resource}` : typedPath(sayTargets([{ path }]));
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
  const end = claim.offered_until ?? claim.expires_at;
  const until = isoSeconds(end);
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
  });
}

/** The error of a release of what this session does not hold. */
export function notHeldError(
  targets: readonly ClaimTarget[],
  claims: readonly Claim[],
  me: string,
  call: Calls,
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
        next: `agent-relay release ${mine.targets.map(typedAs).join(" ")}`,
      },
    );
  return new RelayError(
    "refused",
    `Cannot release "${what}": ${call(other.session_id)} holds "${sayTargets(other.targets)}", not you`,
    {
      next: askHolder(other),
    },
  );
}
