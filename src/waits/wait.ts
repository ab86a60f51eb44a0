import type { Calls } from "../agents/registry.ts";
import { ClaimTarget, sayTargets } from "../claims/claim.ts";
import { KINDS, type MessageKind } from "../messages/message.ts";
import { flag, integer, list, moment, object, oneOf, optional, type Schema, text } from "../schema.ts";
import { KeySegment } from "../store/key.ts";

const EVENTS = ["released", "ended", "message", "reply", "task", "answer"] as const;

/** One thing that is waited for. */
export type Condition = {
  /**
   * `released`: nobody else holds `targets`. `ended`: `session` has left or died. `message`: one is unread, from `session`,
   * of `kind`, if these are given. `reply`: somebody has answered message `id`. `task`: task `id` is over. `answer`:
   * message `id` asks for nothing any more.
   */
  readonly event: (typeof EVENTS)[number];
  readonly targets?: readonly ClaimTarget[];
  /** Whose end, or whose message. */
  readonly session?: string;
  /** With `ended`: the session's process when the wait began. Another process may go on under the same id. */
  readonly pid?: number;
  /** When that process started, in its system's own unit. */
  readonly pid_started?: number;
  /** Where the pid means something. */
  readonly place?: string;
  readonly kind?: MessageKind;
  /** Of the message or task. */
  readonly id?: string;
};

/** @internal */
export const Condition: Schema<Condition> = object({
  event: oneOf(EVENTS),
  targets: optional(list(ClaimTarget)),
  session: optional(KeySegment),
  pid: optional(integer()),
  pid_started: optional(integer()),
  place: optional(text()),
  kind: optional(oneOf(KINDS)),
  id: optional(text()),
});

const STATES = ["pending", "satisfied", "timed_out", "cancelled", "ended"] as const;

/** A wait whose outcome is told by a message, as it is on disk, in `--json` and here. */
export type Wait = {
  readonly id: string;
  /** The session that waits. */
  readonly session_id: string;
  /** Which tool that session is. */
  readonly agent_id: string;
  readonly conditions: readonly Condition[];
  /** One of the conditions is enough. */
  readonly any: boolean;
  /** Only a timeout is told: that the conditions came true is no news. */
  readonly quiet?: boolean;
  readonly state: (typeof STATES)[number];
  /** ISO 8601. */
  readonly created_at: string;
  /** When it times out. ISO 8601. */
  readonly expires_at: string;
  /** When it was decided. ISO 8601. */
  readonly ended_at?: string;
  /** The outcomes so far, by the index of their condition. A condition that came true stays true. */
  readonly met?: readonly {
    /** The index of the condition. */
    readonly condition: number;
    /** What happened, in words. */
    readonly outcome: string;
  }[];
  /** What happened, a line for each condition that came true. */
  readonly outcome?: readonly string[];
  /** The id of the message that tells the outcome. */
  readonly message?: string;
  /** The process that sends that message. */
  readonly teller?: {
    readonly pid: number;
    /** When that process started, in its system's own unit. */
    readonly started?: number;
    /** Where the pid means something. */
    readonly place: string;
    /** When it began to tell. ISO 8601. */
    readonly at: string;
  };
};

/** @internal */
export const Wait: Schema<Wait> = object({
  id: text(),
  session_id: KeySegment,
  agent_id: text(),
  conditions: list(Condition),
  any: flag(),
  quiet: optional(flag()),
  state: oneOf(STATES),
  created_at: moment(),
  expires_at: moment(),
  ended_at: optional(moment()),
  met: optional(list(object({ condition: integer(), outcome: text() }))),
  outcome: optional(list(text())),
  message: optional(text()),
  teller: optional(object({ pid: integer(), started: optional(integer()), place: text(), at: moment() })),
});

/** The state of a condition. */
export interface ConditionState {
  /** What happened; undefined while it did not. */
  readonly outcome?: string | undefined;
  /** The sessions that have to act before it can happen. */
  readonly on: readonly string[];
  /** Unix ms; the condition may come true then although nobody acts. */
  readonly at?: number | undefined;
}

/** Whether a wait is over, given what came true of each condition. */
export function isOver(any: boolean, outcomes: readonly (string | undefined)[]): boolean {
  return any ? outcomes.some((outcome) => outcome !== undefined) : outcomes.every((outcome) => outcome !== undefined);
}

/** A condition in words: `src/db.ts to be free`. */
function sayCondition({ event, targets, session: who, kind, id }: Condition, call: Calls): string {
  const session = who === undefined ? undefined : call(who);
  switch (event) {
    case "released":
      return `${sayTargets(targets ?? [])} to be free`;
    case "ended":
      return `${session} to end`;
    case "message":
      return `a message${kind === undefined ? "" : ` of kind ${kind}`}${session === undefined ? "" : ` from ${session}`}`;
    case "reply":
      return `an answer to ${id}`;
    case "task":
      return `${id} to be done`;
    case "answer":
      return `${session ?? "its reader"} to deal with ${id}`;
  }
}

/** The sessions that conditions name. */
export function sessionsIn(conditions: readonly Condition[]): (string | undefined)[] {
  return conditions.map(({ session }) => session);
}

export function sayConditions(conditions: readonly Condition[], any: boolean, call: Calls): string {
  return conditions.map((condition) => sayCondition(condition, call)).join(any ? " or " : " and ");
}

/** What one may wait for, as typed. Give one or more. */
export interface WaitFor {
  /** Paths or globs that another holds. */
  readonly released?: readonly string[] | undefined;
  /** Names of things that are no files, that another holds. */
  readonly resources?: readonly string[] | undefined;
  /** Session ids, their unique beginnings, or names. */
  readonly ended?: readonly string[] | undefined;
  /** That there is an unread message for this session. */
  readonly message?: boolean | undefined;
  /** With `message`: only from this session. */
  readonly from?: string | undefined;
  /** With `message`: only of this kind. */
  readonly kind?: MessageKind | undefined;
  /** The ids of messages that are to be answered. */
  readonly replyTo?: readonly string[] | undefined;
  /** The ids or titles of tasks that are to be over. */
  readonly taskDone?: readonly string[] | undefined;
}
