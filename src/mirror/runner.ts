import { readAgent } from "../agents/registry.ts";
import { changeClaims } from "../claims/ledger.ts";
import { RelayError } from "../errors.ts";
import { liveness, thisProcess } from "../machine/process.ts";
import { makeContext } from "../open/make-context.ts";
import { AGREED, APART, LAST_AGREED, Mirrored, REFUSED } from "../project/upstream.ts";
import { type Infer, integer, object, optional, text } from "../schema.ts";
import { parsedOrSkipped } from "../store/read.ts";
import type { Store, Value } from "../store/store.ts";
import { iso } from "../time.ts";
import { MIRROR } from "./replica.ts";

/** The server's relay that this one is mirrored to, or undefined. */
export function mirroredTo(local: Store): Promise<Mirrored | undefined> {
  return parsedOrSkipped(local, "mirror", Mirrored);
}

/** Notes that this relay is mirrored. Throws `conflict` if it is mirrored to another server's relay. */
export async function noteMirrored(local: Store, mirrored: Mirrored): Promise<void> {
  await local.update("mirror", (value) => {
    const old = value && Mirrored.parse(value, "mirror");
    if (old && old.relay !== mirrored.relay)
      throw new RelayError("conflict", `Cannot mirror ${mirrored.url}: this relay is mirrored to ${old.url} already`, {
        next: "agent-relay mirror --forget, and then again",
      });
    return old && old.url === mirrored.url && old.owner === mirrored.owner
      ? value
      : { ...mirrored, since: old?.since ?? mirrored.since };
  });
}

/** The process that mirrors. There is at most one. */
const Runner = object({ pid: integer(), started: optional(integer()), place: text() });
type Runner = Infer<typeof Runner>;

const RUNNER = "mirror/runner";

/** Notes that this process mirrors. Returns a function that undoes it. Throws `conflict` while another does. */
export async function runAlone(local: Store): Promise<() => Promise<void>> {
  const { pid, started, place } = thisProcess();
  const mine: Runner = { pid, place, ...(started !== undefined && { started }) };
  const isMine = (other: Runner) => other.pid === pid && other.place === place && other.started === started;
  await local.update(RUNNER, (value) => {
    const other = runnerIn(value);
    if (other && !isMine(other) && isRunning(other))
      throw new RelayError("conflict", `Cannot mirror: process ${other.pid} does already`, {
        next: "agent-relay mirror --status",
      });
    return mine;
  });
  return async () => {
    await local.update(RUNNER, (value) => (isMine(runnerIn(value) ?? NOBODY) ? undefined : value));
  };
}

function isRunning({ pid, started, place }: Runner): boolean {
  return liveness({ pid, started, place }) === "alive";
}

const NOBODY: Runner = { pid: 0, place: "" };

/** Undefined also for a record that is no runner: it must not keep a process from becoming one. */
function runnerIn(value: Value | undefined): Runner | undefined {
  try {
    return value && Runner.parse(value, RUNNER);
  } catch (error) {
    if (error instanceof RelayError) return undefined;
    throw error;
  }
}

/** The process that mirrors now, or undefined. */
export async function runnerOf(local: Store): Promise<number | undefined> {
  const runner = await parsedOrSkipped(local, RUNNER, Runner);
  return runner && isRunning(runner) ? runner.pid : undefined;
}

/** Makes the relay independent again: archives the sessions of elsewhere, and frees what they hold here. */
export async function forgetMirror(local: Store, project: string, now: () => number): Promise<void> {
  const foreign = new Set<string>();
  for (const id of await local.list("agents")) {
    const agent = await readAgent(local, "agents", id);
    if (agent?.owner === undefined) continue;
    foreign.add(id);
    await local.update(`archive/agents/${id}`, () => ({ ...agent, ended_at: iso(now()) }));
    await local.update(`agents/${id}`, () => undefined);
    await local.unmark(`agents/${id}.seen`);
  }
  await local.update("mirror", () => undefined);
  await changeClaims(makeContext({ store: local, project, now, ...MIRROR }), (claims) => {
    const isOurs = ({ session_id }: { session_id: string }) => !foreign.has(session_id);
    const kept = claims.claims.filter(isOurs).map(({ tentative: _, ...claim }) => claim);
    const { queue, edges } = claims;
    return { claims: { ...claims, claims: kept, queue: queue.filter(isOurs), edges: edges.filter(isOurs) }, result: 0 };
  });
  for (const id of await local.list("mirror/tasks")) await local.update(`mirror/tasks/${id}`, () => undefined);
  for (const key of ["mirror/progress", RUNNER]) await local.update(key, () => undefined);
  for (const mark of [AGREED, LAST_AGREED]) await local.unmark(mark);
  for (const folder of [APART, REFUSED])
    for (const name of await local.marks(folder)) await local.unmark(`${folder}/${name}`);
}
