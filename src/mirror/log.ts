import { dayOf } from "../activity.ts";
import type { Store, Value } from "../store/store.ts";
import type { Sides } from "./sides.ts";

/** Which lines of each day's log have been passed on: how many there were here, and there. */
export type Seen = Map<string, { readonly here: number; readonly there: number }>;

/** What was done here is written there, and what was done there here, each line once, by who did it; of today and yesterday. */
export async function exchangeLog(sides: Sides, own: ReadonlySet<string>, seen: Seen): Promise<void> {
  const { local, remote, now } = sides;
  for (const day of [dayOf(now() - 86_400_000), dayOf(now())]) {
    const key = `activity/${day}`;
    const before = seen.get(day) ?? { here: 0, there: 0 };
    const [here, there] = [await linesOf(local, key, before.here), await linesOf(remote(""), key, before.there)];
    // Who has just started does not know what it passed on before: what both have is not passed on again.
    const [known, knownThere] = [new Set(here.map(textOf)), new Set(there.map(textOf))];
    const isOurs = (line: Value | undefined): line is Value => line !== undefined && own.has(String(line.session));
    const mine = here.filter((line) => isOurs(line) && !knownThere.has(textOf(line)));
    const theirs = there.filter((line) => line !== undefined && !isOurs(line) && !known.has(textOf(line)));
    for (const line of mine) if (line) await remote(String(line.session)).append(key, line);
    for (const line of theirs) if (line) await local.append(key, line);
    seen.set(day, { here: before.here + here.length, there: before.there + there.length });
  }
}

async function linesOf(store: Store, key: string, after: number): Promise<(Value | undefined)[]> {
  const found: (Value | undefined)[] = [];
  for await (const line of store.lines(key, after)) found.push(line);
  return found;
}

function textOf(line: Value | undefined): string {
  return JSON.stringify(line) ?? "";
}
