import type { Write } from "../shell/writes.ts";

/** The moment of an agent's life that a host calls a hook for. */
export type HookEvent =
  /**
   * A session begins, or goes on after a pause or a compaction: what was said before may be gone. `isOften` where the host
   * says so again and again.
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
  /** The agent is about to stop; `wasHeld` if its host says that a hook has kept it going before. */
  | { readonly at: "stop"; readonly wasHeld: boolean | undefined }
  /** A prompt has been dealt with. Whether the host ends now or waits for the next it does not say; its process will show. */
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

/** What a host told us, in our own words. */
export interface HookCall {
  readonly session: string;
  readonly cwd: string;
  /** The host's own name of the event: some replies repeat it. */
  readonly event: string;
  readonly moment: HookEvent;
  /** A subagent's call carries its parent's session, whose mail it is not to take. */
  readonly isSubagent: boolean;
}

/** What a hook has to say; at most one of these. */
export interface HookAnswer {
  /** Put before the model. */
  readonly context?: string | undefined;
  /** The tool is not to run, and the model is told why. */
  readonly deny?: string | undefined;
  /** The agent is to go on, with this. */
  readonly goOn?: string | undefined;
}

export type Payload = Readonly<Record<string, unknown>>;

/** How one host says things: its payload in our words, our answer in its own. */
export interface HookHost {
  /** The `agent_id` of its sessions. */
  readonly agent: string;
  /** Whether it calls a hook after all tools of a step, too: what comes after each tool then waits for that. */
  readonly hasSteps: boolean;
  /** Undefined for a payload that names no session. `event` is what the command line said. */
  read(payload: Payload, event: string | undefined): HookCall | undefined;
  /** What goes to stdout; only keys that this host accepts for this event. */
  write(call: HookCall, answer: HookAnswer): string;
  /** What goes to stdout when there is nothing to say, also when the payload could not be read. */
  nothing(event: string | undefined): string;
}
