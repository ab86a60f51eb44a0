import type { Context } from "../context.ts";
import type { RecordUpdate } from "../store/store.ts";
import { iso } from "../time.ts";
import { Agent, type Hears, TELLERS, type Teller } from "./agent.ts";

// What tells a session of its mail, and when it last looked: its registration says when each last did, so that whoever reads
// that knows it at no further cost.

export const NOTE_EVERY_MS = 60_000; // ... to the minute: most looks write nothing
const WATCH_LASTS_MS = 180_000; // a watch says each minute that it goes on

/** What is known of how a session hears of its mail. */
export interface Hearing {
  /**
   * What tells it without being asked: the `hooks` of its host, the answers of our `mcp` tools, a `watch` that runs (also one
   * that wakes it). None: it hears of mail when it looks.
   */
  readonly told_by: readonly Teller[];
  /** When it last looked, or was told, to the minute. Not there: it has never. ISO 8601. */
  readonly looked_at?: string;
}

/** `seen`: its last sign of life, Unix ms. A hook that finds nothing gives no other. */
export function hearing(hears: Hears = {}, seen: number, now: number): Hearing {
  const goesOn = Date.parse(hears.watch ?? "") > now - WATCH_LASTS_MS;
  const told_by = TELLERS.filter((one) => (one === "watch" ? goesOn : hears[one] !== undefined));
  const looks = [
    ...Object.values(hears).map((at) => Date.parse(at ?? "")),
    told_by.includes("hooks") ? seen : Number.NaN,
  ].filter((at) => !Number.isNaN(at));
  return { told_by, ...(looks.length > 0 && { looked_at: iso(Math.min(Math.max(...looks), now)) }) };
}

type Looks = Pick<Context, "store" | "session" | "now">;

/** Notes that a session has looked, or was told, of which `agent` is the registration that was read. */
export async function noteLook(context: Looks, by: keyof Hears, agent?: Agent): Promise<void> {
  for (const [key, change] of lookNote(context, by, agent)) await context.store.update(key, change);
}

/** The change that notes a look, by its key; none where that is noted already. */
export function lookNote({ session, now }: Looks, by: keyof Hears, agent?: Agent): ReadonlyMap<string, RecordUpdate> {
  const at = now();
  if (Math.abs(at - Date.parse(agent?.hears?.[by] ?? "")) < NOTE_EVERY_MS) return new Map();
  return new Map([[`agents/${session}`, (old) => old && withLook(old, by, at)]]);
}

/** A registration with a look at `at`, Unix ms. */
export function withLook<A extends object>(agent: A, by: keyof Hears, at: number): A {
  return { ...agent, hears: { ...(agent as { hears?: Hears }).hears, [by]: iso(at) } };
}

/**
 * A watch has ended; another one of the session says within a minute that it goes on. `hasShown`: it showed the mail itself, so
 * that the session has looked until now.
 */
export async function endWatch({ store, session, now }: Looks, hasShown: boolean): Promise<void> {
  await store.update(`agents/${session}`, (old) => {
    const hears = old && Agent.parse(old, session).hears;
    if (hears?.watch === undefined) return old;
    const { watch: _, ...others } = hears;
    return { ...old, hears: hasShown ? { ...others, itself: iso(now()) } : others };
  });
}
