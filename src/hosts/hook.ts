import type { Write } from "../shell/writes.ts";

/** The moment of an agent's life that a host calls a hook for. */
export type HookEvent =
  /**
   * A session begins, or goes on after a pause or a compaction: the model may have lost what it was told. `isOften`:
   * the host sends this event again and again.
   */
  | { readonly at: "start"; readonly isOften?: boolean }
  /** The person has said something, and the agent is about to work. */
  | { readonly at: "prompt" }
  /** A tool is about to run. */
  | { readonly at: "before"; readonly tool: ToolUse }
  /** A tool has run. */
  | { readonly at: "after"; readonly tool: ToolUse }
  /** All tools of one step have run, and the model is about to be asked again. */
  | { readonly at: "step" }
  /** The agent is about to stop. `wasHeld`: the host says that a hook has just kept it going; undefined if not told. */
  | { readonly at: "stop"; readonly wasHeld: boolean | undefined }
  /** A prompt is done. The host does not say whether it ends now or waits for the next; its process will show. */
  | { readonly at: "pause" }
  | { readonly at: "end" }
  /** Nothing that concerns us. */
  | { readonly at: "other" };

/** What a tool does to files, as far as its arguments say it plainly. */
export interface ToolUse {
  readonly name: string;
  /** Files that it writes, as they are named. */
  readonly writes: readonly Write[];
}

/** A host's payload, in our own terms. */
export interface HookCall {
  readonly session: string;
  readonly cwd: string;
  /** The host's own name of the event: some replies repeat it. */
  readonly event: string;
  readonly moment: HookEvent;
  /** A subagent's call carries its parent's session. The subagent must not take that session's mail. */
  readonly isSubagent: boolean;
}

/** What a hook has to say; at most one of these. */
export interface HookAnswer {
  /** Put before the model. */
  readonly context?: string | undefined;
  /** The tool is not to run, and the model is told why. */
  readonly deny?: string | undefined;
  /** The agent is to go on, with this text. */
  readonly goOn?: string | undefined;
}

export type Payload = Readonly<Record<string, unknown>>;

/** How a host calls hooks, and what answer it takes. */
export interface HookDialect {
  /** Whether it also calls a hook after all tools of a step. Mail then waits for that call. */
  readonly hasSteps: boolean;
  /**
   * Whether a payload can be no other host's. A variable counts only beside a payload that fits its host. Without it a
   * host is believed where the command line names it: no payload of its own is like that of another.
   */
  isCalling?(payload: Payload, env: Env): boolean;
  /** Undefined for a payload that names no session. `event` is the command line's. */
  read(payload: Payload, event: string | undefined): HookCall | undefined;
  /** What goes to stdout; only keys that this host accepts for this event. Empty if there is nothing to say. */
  write(call: HookCall, answer: HookAnswer): string;
  /**
   * It takes silence for nothing to say, except at these events. Without it: an empty object, always, as these events
   * get too.
   */
  readonly silentExceptAt?: readonly string[];
  /** A payload of it, for a check. Default: Claude Code's. */
  sample?(session: string, event: string, folder: string): Payload;
  /** It goes on, undisturbed, when it writes a large payload into a pipe that nobody reads. Default: not known. */
  readonly bearsUnread?: boolean;
  /** It runs a user's hooks in a folder of their own: the payload says where the session works. */
  readonly saysFolder?: boolean;
  /** The variable with the session's id, set for its hooks, which counts unless one of `toldUnless` is set. */
  readonly told?: string;
  readonly toldUnless?: readonly string[];
  /** A hook of it may wait in the background for mail, where its environment has these values. */
  readonly wakesIf?: Env;
}

export type Env = Readonly<Record<string, string | undefined>>;
