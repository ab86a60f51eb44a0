import path from "node:path";
import {
  type Context,
  LIMITS,
  type Limits,
  type Pace,
  type RegisterOptions,
  type RelayOptions,
  THRESHOLDS,
  type Thresholds,
} from "../context.ts";
import { catchUp } from "../messages/catch-up.ts";
import type { Store } from "../store/store.ts";
import { hasWaits } from "../waits/pending.ts";

export interface ContextParts {
  readonly store: Store;
  readonly project: string;
  readonly session: string;
  readonly agent: string;
  readonly now: () => number;
  readonly limits?: Partial<Limits> | undefined;
  readonly thresholds?: Partial<Thresholds> | undefined;
  readonly registration?: RegisterOptions;
  readonly via?: string | undefined;
  readonly isPerson?: boolean | undefined;
  readonly pace?: Pace;
}

/** The one place where a Context is made, and where lower rooms are given what they call of higher ones. */
export function makeContext({
  limits,
  thresholds,
  registration = {},
  pace = newPace(),
  isPerson = false,
  ...who
}: ContextParts): Context {
  const context: Context = {
    ...who,
    isPerson,
    limits: { ...LIMITS, ...limits },
    thresholds: { ...THRESHOLDS, ...thresholds },
    registration,
    pace,
    seen: new Map(),
    settle: () => settleWaitsIfAny(context),
    catchUp: (isNew, name) => catchUp(context, isNew, name),
    announce: (what, text) => tellEveryone(context, what, text),
  };
  return context;
}

/** The Context for the options of a Relay in the folder `dir`. */
export function contextFor(
  { now = Date.now, limits, thresholds, name, role, pid, metadata, cwd, via, ...more }: RelayOptions,
  { dir, ...who }: { dir: string; store: Store; session: string; agent: string; pace?: Pace },
): Context {
  const registration = { name, role, pid, metadata, cwd };
  const isPerson = more.isPerson ?? more.session === undefined;
  return makeContext({
    ...who,
    project: path.dirname(path.resolve(dir)),
    now,
    limits,
    thresholds,
    registration,
    via,
    isPerson,
  });
}

export function newPace(): Pace {
  return { sent: undefined, spent: 0, savedAt: undefined };
}

async function tellEveryone(context: Context, what: string, text: string): Promise<void> {
  const { announce } = await import("../messages/announce.ts");
  await announce(context, what, text);
}

async function settleWaitsIfAny(context: Context): Promise<void> {
  if (context.store.served || !(await hasWaits(context))) return;
  const { settleWaits } = await import("../waits/settle.ts");
  await settleWaits(context);
}
