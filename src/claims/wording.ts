import { formatDuration, formatLeft } from "../duration.ts";
import { RelayError } from "../errors.ts";
import { quoted } from "../shell/quote.ts";
import { inQuotes } from "../text.ts";
import { isoSeconds } from "../time.ts";
import { type Claim, type Mode, say, type Target, targetsMeet } from "./claim.ts";
import type { Step } from "./deadlock.ts";
import { type Blocker, sessionOf, type Wish } from "./rules.ts";

/** How sessions are called. */
export type Names = ReadonlyMap<string, string>;

/** The error of a claim that others stand in the way of. */
export function held(wish: Wish, again: string, inTheWay: readonly Blocker[], names: Names, now: number): RelayError {
  const says = sayBlockers(inTheWay, names, now);
  return new RelayError("conflict", `Cannot claim "${say(wish.targets)}": ${says}`, { next: nextFor(again, inTheWay) });
}

/** The error of a wait in line that came to nothing. */
export function tooLate(
  wish: Wish,
  again: string,
  inTheWay: readonly Blocker[],
  names: Names,
  now: number,
  patience: number,
): RelayError {
  const says = sayBlockers(inTheWay, names, now);
  const waited = `after ${formatDuration(patience)} of waiting, ${says}`;
  return new RelayError("timed_out", `Cannot claim "${say(wish.targets)}": ${waited}`, {
    next: nextFor(again, inTheWay),
  });
}

function nextFor(again: string, inTheWay: readonly Blocker[]): string {
  const [first] = inTheWay;
  return first && "claim" in first ? `${again}, or ${askFor(first.claim)}` : again;
}

/** The command that asks the holder for it. */
function askFor({ targets: [first = {}] }: Claim): string {
  return sayAsk(first.resource ?? typedAs(first));
}

/** The command that asks whoever holds it for a path, or a part of what they hold. */
export function askForPath(path: string): string {
  return sayAsk(typedPath(path));
}

function sayAsk(what: string): string {
  return `agent-relay send --claim ${what} "..."`;
}

/** The command that asks for the same again and waits for it, from the same folder. */
export function sayAgain(
  paths: readonly string[],
  options: { readonly resources?: readonly string[]; readonly mode?: Mode; readonly apart?: boolean },
): string {
  const resources = (options.resources ?? []).flatMap((resource) => ["--resource", resource]);
  const flags = [...(options.mode === "shared" ? ["--shared"] : []), ...(options.apart ? ["--apart"] : [])];
  return ["agent-relay claim", ...paths.map(typedPath), ...resources, ...flags, "--wait 10m"].join(" ");
}

function typedAs({ path, resource }: Target): string {
  return path === undefined ? `--resource ${resource}` : typedPath(say([{ path }]));
}

/** A path as it can be typed: never taken for a flag. */
function typedPath(typed: string): string {
  return quoted(typed.startsWith("-") ? `./${typed}` : typed);
}

export function sayBlockers(inTheWay: readonly Blocker[], names: Names, now: number): string {
  const facts = inTheWay.slice(0, 3).map((blocker) => {
    const session = sessionOf(blocker);
    const name = names.get(session);
    const who = name === undefined ? session : `${name} (${session})`;
    if ("claim" in blocker) return sayClaim(who, blocker.claim, now);
    return `${who} is in line for "${say(blocker.waiter.targets)}" already`;
  });
  if (inTheWay.length > 3) facts.push(`and ${inTheWay.length - 3} more`);
  return facts.join("; ");
}

function sayClaim(who: string, claim: Claim, now: number): string {
  const end = claim.offered_until ?? claim.expires_at;
  const until = isoSeconds(end);
  const why = claim.reason === undefined ? "" : `: ${inQuotes(claim.reason)}`;
  const what = `"${say(claim.targets)}"${claim.mode === "shared" ? ", shared," : ""}`;
  const has = claim.offered_until === undefined ? `holds ${what} until` : `is next for ${what} and may take it until`;
  return `${who} ${has} ${until} (${formatLeft(end - now)} more)${why}`;
}

/** The error of a wait that would close a circle. */
export function circular(what: string, steps: readonly Step[]): RelayError {
  const [first] = steps;
  const chain = steps.map((step, index) => {
    const next = steps[index + 1] ?? first;
    return `${step.session} waits for ${next?.session} (${step.for})`;
  });
  return new RelayError("conflict", `Cannot wait for ${what}: nobody in this circle could go on: ${chain.join(", ")}`, {
    next: "give back what they wait for (agent-relay release), or answer them, then wait again",
  });
}

/** The error of a release of what this session does not hold. */
export function notHeld(targets: readonly Target[], claims: readonly Claim[], me: string): RelayError {
  const what = say(targets);
  const meets = (claim: Claim) => claim.targets.some((one) => targets.some((other) => targetsMeet(one, other)));
  const inTheWay = claims.filter(meets);
  const other = inTheWay.find((claim) => claim.session_id !== me);
  const [mine] = inTheWay;
  if (!mine)
    return new RelayError("not_found", `Cannot release "${what}": nobody holds it`, { next: "agent-relay claims" });
  if (!other)
    return new RelayError("not_found", `Cannot release "${what}": you hold it as a part of "${say(mine.targets)}"`, {
      next: `agent-relay release ${mine.targets.map(typedAs).join(" ")}`,
    });
  return new RelayError(
    "refused",
    `Cannot release "${what}": ${other.session_id} holds "${say(other.targets)}", not you`,
    {
      next: askFor(other),
    },
  );
}
