import { extra, object, type Schema, text } from "../schema.ts";

/** What every entry of the log says. */
type Common = {
  /** When it happened. ISO 8601. */
  readonly at: string;
  /** Who did it. */
  readonly session_id: string;
  /** Which tool that session is. */
  readonly agent_id: string;
};

type ClaimFields = {
  /** Of the claim. */
  readonly id: string;
  /** The session that has it, or had it. */
  readonly holder: string;
  /** What is claimed, in words. */
  readonly targets: string;
};

type TaskFields = {
  /** Of the task. */
  readonly id: string;
  /** Its state after this. */
  readonly state: string;
  readonly title?: string;
  readonly priority?: number;
  /** The fencing token of who has taken it. */
  readonly token?: number;
  /** The session that has lost it by this. */
  readonly taken_from?: string;
  readonly reason?: string;
  /** The tasks that became ready by this. */
  readonly ready?: readonly string[];
};

/**
 * One thing that happened: a line of `activity/<day>.jsonl`, or a message that this session may read. An entry of a later
 * version may have another `event`.
 */
export type ActivityEntry = Common &
  (
    | {
        readonly event: "message";
        readonly id: string;
        /** A session, or `all`. */
        readonly to: string;
        readonly kind: string;
        readonly text: string;
        /** What is known of its origin, in words, where it came over the network. */
        readonly proof?: string;
      }
    | ({
        readonly event: "claim.taken" | "claim.offered" | "claim.reduced" | "claim.renewed";
        readonly token: number;
        readonly mode: string;
        /** ISO 8601. */
        readonly expires_at: string;
        readonly reason?: string;
      } & ClaimFields)
    | ({ readonly event: "claim.released" | "claim.expired" | "claim.lost" } & ClaimFields)
    | ({
        readonly event:
          | "task.added"
          | "task.edited"
          | "task.noted"
          | "task.claimed"
          | "task.released"
          | "task.blocked"
          | "task.unblocked"
          | "task.done"
          | "task.cancelled";
      } & TaskFields)
    | { readonly event: "agent.registered"; readonly name: string }
    /** `who` has left; who noticed it is `session_id`. */
    | { readonly event: "agent.left"; readonly who: string }
    | { readonly event: "status"; readonly text: string }
    | { readonly event: "note"; readonly text: string; readonly file?: string }
    | { readonly event: "edit"; readonly files: readonly string[] }
    | { readonly event: "decision"; readonly id: string }
    | {
        readonly event: "wait.satisfied" | "wait.timed_out" | "wait.cancelled" | "wait.ended";
        readonly id: string;
        /** The session that waited. */
        readonly for: string;
        readonly outcome: readonly string[];
      }
    /** A conversation of agents alone was stopped: how long it was, and between whom. */
    | { readonly event: "loop.stopped"; readonly id: string; readonly hops: number; readonly chain: readonly string[] }
    | { readonly event: "relay.finished" | "relay.reopened" }
  );

/** The words that an entry's `event` may be. */
export type ActivityEvent = ActivityEntry["event"];

/** The entries of these events alone. */
export type EntryOf<Event extends ActivityEvent, Entry = ActivityEntry> = Entry extends { readonly event: infer Word }
  ? Extract<Word, Event> extends never
    ? never
    : Entry & { readonly event: Extract<Word, Event> }
  : never;

/** An entry as any version may have written it. */
export type Entry = Common & {
  /** `<noun>.<what>`: `claim.taken`, `task.done`, `status`, ... */
  readonly event: string;
  /** The id of the thing that it happened to. */
  readonly id?: string;
} & Readonly<Record<string, unknown>>;

export const Entry = object(
  { at: text(), session_id: text(), agent_id: text(), event: text(), id: extra(text()) },
  { session: "session_id", agent: "agent_id" },
) as Schema<Entry>;

/** For how long (ms) a day, such as `2026-05-01`, is over at `now` (Unix ms); below 0 for a day that is not over. */
export function pastDay(day: string, now: number): number {
  return now - (Date.parse(day) + 86_400_000);
}

/** When an entry was made (Unix ms); undefined if its `at` cannot be read. */
export function timeOfEntry(entry: { readonly at: string }): number | undefined {
  const time = Date.parse(entry.at);
  return Number.isNaN(time) ? undefined : time;
}
