import { OFFERED_MS } from "../activity/tombstones.ts";
import { readAgent } from "../agents/registry.ts";
import { RelayError } from "../errors.ts";
import { isSegment } from "../store/key.ts";
import type { Store, Value } from "../store/store.ts";
import { jsonText } from "../text.ts";
import { dayOf } from "../time.ts";
import { type Replicas, sha256 } from "./replica.ts";

/** How far one day's log was exchanged: lines read on each side, and hashes of those the mirror added after them. */
export interface LogProgress {
  readonly here: number;
  readonly there: number;
  readonly added: readonly string[];
}
export type LogCheckpoint = Map<string, LogProgress>;

const NONE: LogProgress = { here: 0, there: 0, added: [] };

/**
 * Copies each line of the activity log once to the side that lacks it: of today and yesterday; with `all`, of each day
 * that is offered. Returns the events that came from the server, such as `task.done`.
 */
export async function exchangeLog(
  replicas: Replicas,
  seen: LogCheckpoint,
  isCollected: (key: string) => boolean,
  all: boolean,
): Promise<Set<string>> {
  const { local, remote, now } = replicas;
  const oldest = dayOf(now() - (all ? OFFERED_MS : 86_400_000));
  const days = new Set([...(await local.logs("activity")), ...(await remote("").logs("activity"))]);
  const happened = new Set<string>();
  for (const day of [...days].sort())
    if (day >= oldest && !isCollected(`activity/${day}`))
      for (const event of await exchangeDay(replicas, day, seen)) happened.add(event);
  return happened;
}

async function exchangeDay(replicas: Replicas, day: string, seen: LogCheckpoint): Promise<string[]> {
  const { local, remote } = replicas;
  const key = `activity/${day}`;
  const before = seen.get(day) ?? NONE;
  const [here, there] = [await linesOf(local, key, before.here), await linesOf(remote(""), key, before.there)];
  if (here.length === 0 && there.length === 0) return [];
  const known = new Set(before.added);
  // The checkpoint may be behind after a start: a line that both sides have is not copied again.
  const [hereToo, thereToo] = [new Set(here.map(wordOf)), new Set(there.map(wordOf))];
  const added: string[] = [];
  const happened: string[] = [];
  for (const line of here) {
    const word = wordOf(line);
    if (line && !known.has(word) && !thereToo.has(word) && (await isPassedOn(replicas, key, line))) added.push(word);
  }
  for (const line of there) {
    const word = wordOf(line);
    if (!line || known.has(word) || hereToo.has(word)) continue;
    await local.append(key, line);
    added.push(word);
    happened.push(String(line.event));
  }
  seen.set(day, { here: before.here + here.length, there: before.there + there.length, added });
  return happened;
}

/** Appends a line to the server's log. False for a line of no session of ours, or one that the server does not take. */
async function isPassedOn({ local, remote }: Replicas, key: string, line: Value): Promise<boolean> {
  const session = String(line.session_id ?? line.session); // of format 1
  if (!isSegment(session)) return false;
  const agent = (await readAgent(local, "agents", session)) ?? (await readAgent(local, "archive/agents", session));
  if (agent?.owner !== undefined) return false;
  try {
    await remote(session).append(key, line);
    return true;
  } catch (error) {
    if (error instanceof RelayError && !["failed", "timed_out"].includes(error.code)) return false;
    throw error;
  }
}

async function linesOf(store: Store, key: string, after: number): Promise<(Value | undefined)[]> {
  const found: (Value | undefined)[] = [];
  for await (const line of store.lines(key, after)) found.push(line);
  return found;
}

/** A short hash that tells lines apart: the checkpoint keeps one for each added line, and they may be many. */
function wordOf(line: Value | undefined): string {
  return sha256(jsonText(line)).slice(0, 20);
}
