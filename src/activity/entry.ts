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
  /** Higher comes first. */
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
        /** Somebody has written. */
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
        /** A claim was granted, offered to the next in line, lost a part of its targets, or was renewed. */
        readonly event: "claim.taken" | "claim.offered" | "claim.reduced" | "claim.renewed";
        /** The fencing token. */
        readonly token: number;
        /** `exclusive` or `shared`. */
        readonly mode: string;
        /** ISO 8601. */
        readonly expires_at: string;
        readonly reason?: string;
      } & ClaimFields)
    | ({
        /** A claim was given back, ran out, or went with its holder. */
        readonly event: "claim.released" | "claim.expired" | "claim.lost";
      } & ClaimFields)
    | ({
        /** A task was made, changed, or moved. */
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
    | {
        /** A session has come. */
        readonly event: "agent.registered";
        readonly name: string;
      }
    | {
        /** A session has left; `session_id` is who noticed it. */
        readonly event: "agent.left";
        /** The session that has left. */
        readonly who: string;
      }
    | {
        /** A session has said what it does. */
        readonly event: "status";
        readonly text: string;
      }
    | {
        /** A session has written to the log. */
        readonly event: "note";
        readonly text: string;
        /** What the note is about. */
        readonly file?: string;
      }
    | {
        /** A session has written files. */
        readonly event: "edit";
        /** Their names, as they were given. */
        readonly files: readonly string[];
      }
    | {
        /** A decision was made. */
        readonly event: "decision";
        readonly id: string;
      }
    | {
        /** A wait is over. */
        readonly event: "wait.satisfied" | "wait.timed_out" | "wait.cancelled" | "wait.ended";
        readonly id: string;
        /** The session that waited. */
        readonly for: string;
        /** What came true, a line for each. */
        readonly outcome: readonly string[];
      }
    | {
        /** A conversation of agents alone was stopped. */
        readonly event: "loop.stopped";
        /** The message that began it. */
        readonly id: string;
        /** How many answers it had. */
        readonly hops: number;
        /** The sessions that they were from, the last at the end. */
        readonly chain: readonly string[];
      }
    | {
        /** Nobody new may register any more, or again. */
        readonly event: "relay.finished" | "relay.reopened";
      }
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

/** @internal */
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
