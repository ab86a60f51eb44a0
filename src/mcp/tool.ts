import type * as z from "zod";
import type { OtherProject } from "../messages/send-anywhere.ts";
import type { ProjectAgents } from "../open/machine.ts";
import type { Relay } from "../relay.ts";
import type { SenderNames } from "../render/messages.ts";

/** What a tool has at hand while it is called. */
export interface ToolCall {
  readonly relay: Relay;
  /** The session that calls. */
  readonly me: string;
  readonly names: () => Promise<SenderNames>;
  /** Who is at work in every project of this machine. */
  readonly machine: () => Promise<ProjectAgents[]>;
  /** The other project of this user in which all are who have these names or ids. */
  readonly elsewhere: (words: readonly string[]) => Promise<OtherProject | undefined>;
  /** Unix ms. */
  readonly now: () => number;
  /** Aborts when the caller takes the call back, or is gone. */
  readonly signal: AbortSignal;
  /** Tells a caller that asked for progress how many seconds, of at most `of`, a long call has taken. */
  readonly progress: (seconds: number, of: number) => Promise<void>;
  /** Resolves when the answer was written out; rejects if nobody takes it any more. */
  readonly written: Promise<void>;
}

export interface ToolAnswer {
  /** For the model. What peers wrote stands in a frame. */
  readonly text: string;
  /** The same for programs. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** What a host goes by when it decides whether to ask its person before a tool runs. */
export interface ToolHints {
  readonly reads?: true;
  readonly destroys?: true;
  readonly repeats?: true;
}

export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly input: z.ZodObject;
  readonly hints: ToolHints;
  run(args: unknown, call: ToolCall): Promise<ToolAnswer>;
}

interface ToolSpec<I extends z.ZodObject> extends Omit<Tool, "input" | "run"> {
  readonly input: I;
  run(args: z.output<I>, call: ToolCall): Promise<ToolAnswer>;
}

const PROGRESS_EVERY_MS = 10_000; // the protocol's libraries give up a call of which they heard nothing for 60 s

/** Reports every 10 s how far a wait of at most `most` seconds has come. */
export async function withProgress<T>({ now, progress }: ToolCall, most: number, wait: () => Promise<T>): Promise<T> {
  const begun = now();
  const say = () => progress(Math.floor((now() - begun) / 1000), most);
  await say();
  // An error ends the reports: nobody listens any more.
  const timer = setInterval(() => say().catch(() => clearInterval(timer)), PROGRESS_EVERY_MS);
  try {
    return await wait();
  } finally {
    clearInterval(timer);
  }
}

export function tool<I extends z.ZodObject>({ run, ...rest }: ToolSpec<I>): Tool {
  return { ...rest, run: (args, call) => run(rest.input.parse(args), call) };
}
