import type * as z from "zod";
import type { Names } from "../lines.ts";
import type { ProjectAgents } from "../machine.ts";
import type { Relay } from "../relay.ts";

/** What a tool has at hand while it is called. */
export interface Call {
  readonly relay: Relay;
  /** The session that calls. */
  readonly me: string;
  readonly names: () => Promise<Names>;
  /** Who is at work in every project of this machine. */
  readonly machine: () => Promise<ProjectAgents[]>;
  /** Unix ms. */
  readonly now: () => number;
  /** Aborts when the caller takes the call back, or is gone. */
  readonly signal: AbortSignal;
  /** Says how a long call gets on, to who asked for that. */
  readonly progress: (what: string) => Promise<void>;
  /** Resolves when the answer was written out; rejects if nobody takes it any more. */
  readonly written: Promise<void>;
}

export interface Answer {
  /** For the model. What peers wrote stands in a frame. */
  readonly text: string;
  /** The same for programs. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** What a host may ask of the person before it lets a tool run. */
export interface Hints {
  readonly reads?: true;
  readonly destroys?: true;
  readonly repeats?: true;
}

export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly input: z.ZodObject;
  readonly hints: Hints;
  run(args: unknown, call: Call): Promise<Answer>;
}

interface Spec<I extends z.ZodObject> extends Omit<Tool, "input" | "run"> {
  readonly input: I;
  run(args: z.output<I>, call: Call): Promise<Answer>;
}

export function tool<I extends z.ZodObject>({ run, ...rest }: Spec<I>): Tool {
  return { ...rest, run: (args, call) => run(rest.input.parse(args), call) };
}
