import { THRESHOLDS, type Thresholds } from "../context.ts";
import { RelayError } from "../errors.ts";
import { anything, extra, integer, list, moment, object, type Schema, text } from "../schema.ts";
import { checkSegment, isSegment } from "../store/key.ts";
import { asTyped } from "../text.ts";

/** A process besides the first that a session runs in, such as one that has resumed it elsewhere. */
type OtherProcess = {
  readonly pid: number;
  /** When it started, in its system's own unit. */
  readonly pid_started?: number;
  /** Where the pid means something. */
  readonly place: string;
};

/** @internal */
const OtherProcess: Schema<OtherProcess> = object({
  pid: integer(1, 0xffffffff),
  pid_started: extra(integer()),
  place: text(),
});

/** What tells a session of its mail without being asked. */
export const TELLERS = ["hooks", "mcp", "watch"] as const;
/** What tells a session of its mail: the `hooks` of its host, the answers of our `mcp` tools, a `watch` that runs. */
export type Teller = (typeof TELLERS)[number];

/** When each of these last told a session of its mail, or found none, and when it last looked by `itself`. ISO 8601. */
export type Hears = {
  /** The hooks of its host. */
  readonly hooks?: string;
  /** The answers of our MCP tools. */
  readonly mcp?: string;
  /** A `watch` that runs; it says each minute that it goes on. */
  readonly watch?: string;
  /** A look of its own. */
  readonly itself?: string;
};

const SECOND_MS = 1000; // format 1 has whole seconds here

const Hears: Schema<Hears> = object({
  hooks: extra(moment(SECOND_MS)),
  mcp: extra(moment(SECOND_MS)),
  watch: extra(moment(SECOND_MS)),
  itself: extra(moment(SECOND_MS)),
});

/**
 * A registration as it is on disk, in `--json` and here. The first six fields are those of the `agent-relay` crate, with
 * its units.
 */
export type Agent = {
  readonly session_id: string;
  /** Which tool it is: `claude`, `codex`, `gemini`, `human`, ... */
  readonly agent_id: string;
  /** The agent's own process; 0 if it is not known. */
  readonly pid: number;
  /** Unix seconds. */
  readonly registered_at: number;
  /** Unix seconds; `last_seen` is newer. */
  readonly last_heartbeat: number;
  /** What it said of itself; {} if nothing. */
  readonly metadata: unknown;
  /** Short handle, unique in the project. */
  readonly name?: string;
  /** What it is for. */
  readonly role?: string;
  /** When its process started, in its system's own unit. */
  readonly pid_started?: number;
  /** Where its pid means something. */
  readonly place?: string;
  /** The folder it works in. */
  readonly cwd?: string;
  /** In git: the root of its worktree. */
  readonly worktree?: string;
  /** In git: the branch that was checked out when it registered. */
  readonly branch?: string;
  /** What it does, in a line. */
  readonly status?: string;
  /** Since when it does that. ISO 8601. */
  readonly status_at?: string;
  /** What tells it of its mail, and when it last looked. */
  readonly hears?: Hears;
  /** When it left; only of one that has. ISO 8601. */
  readonly ended_at?: string;
  /** The owner of a session that came over the network: `<user>/<machine>`. */
  readonly owner?: string;
  /** The session's other processes: it ends with the last of them. */
  readonly other_processes?: readonly OtherProcess[];
  /** Those that it has gone on without: who waits for the end of one waits for the session's. */
  readonly left_processes?: readonly OtherProcess[];
};

/** @internal */
export const Agent: Schema<Agent> = object({
  session_id: text(),
  agent_id: text(),
  pid: integer(0, 0xffffffff),
  registered_at: integer(),
  last_heartbeat: integer(),
  metadata: anything(),
  name: extra(text()),
  role: extra(text()),
  pid_started: extra(integer()),
  place: extra(text()),
  cwd: extra(text()),
  worktree: extra(text()),
  branch: extra(text()),
  status: extra(text()),
  status_at: extra(moment()),
  hears: extra(Hears),
  ended_at: extra(moment(SECOND_MS)),
  owner: extra(text()),
  other_processes: extra(list(OtherProcess)),
  left_processes: extra(list(OtherProcess)),
});

/** `gone`: it has ended, its process is dead, or it is silent where its process cannot be seen. */
export type Presence = "active" | "idle" | "gone";

/** What is known of an agent right now. */
export interface SignsOfLife {
  /** Its last sign of life (Unix ms). */
  readonly seen: number;
  readonly process: "alive" | "dead" | "unknown";
}

/** A session whose process is dead is gone at once. A silent one is gone only where its process cannot be seen. */
export function presence(agent: Agent, sight: SignsOfLife, now: number, thresholds: Thresholds = THRESHOLDS): Presence {
  if (agent.ended_at !== undefined || sight.process === "dead") return "gone";
  const silence = Math.abs(now - sight.seen); // a time far ahead is a wrong clock, and no sign of life
  if (silence < thresholds.activeMs) return "active";
  return sight.process === "alive" || silence < thresholds.silentMs ? "idle" : "gone";
}

/** Whether two registrations are of the same run of an agent. */
export function isSameRun(a: Agent, b: Agent): boolean {
  return (
    a.pid === b.pid && a.pid_started === b.pid_started && a.registered_at === b.registered_at && a.place === b.place
  );
}

const RESERVED = ["all", "human", "operator", "system", "you", "nobody"];
const MAX_SESSION_BYTES = 120; // a key has 128, and marks of a session end with up to 6 more
const MAX_NAME_BYTES = 64;

/** Throws `usage` unless `session` can be a session's id: up to 120 of a key's characters, and no reserved word. */
export function checkSession(session: string): string {
  checkSegment(session, "session id");
  const says = `Cannot use "${session}" as a session id`;
  if (RESERVED.includes(session.toLowerCase())) throw new RelayError("usage", `${says}: that word is reserved`);
  if (session.length > MAX_SESSION_BYTES)
    throw new RelayError("usage", `${says}: it is longer than ${MAX_SESSION_BYTES} bytes`);
  return session;
}

/** Throws `usage` unless `agent` can say which tool a session is: one line of 1 to 64 bytes. */
export function checkAgentId(agent: string): string {
  if (/\S/.test(agent) && !/[\x00-\x1f\x7f-\x9f\u2028\u2029]/.test(agent) && Buffer.byteLength(agent) <= MAX_NAME_BYTES)
    return agent;
  throw new RelayError("usage", `Cannot use ${asTyped(agent, 80)} as an agent: it is not a short word`, {
    next: "give one such as --agent claude",
  });
}

/** Checks a session's handle: 1 to 64 of `a-z 0-9 - _ .`, no reserved word. Throws `usage`, `limit` for a long one. */
export function checkName(name: string, what = "name"): string {
  const says = `Cannot use ${asTyped(name)} as a ${what}`;
  if (RESERVED.includes(name.toLowerCase())) throw new RelayError("usage", `${says}: that word is reserved`);
  if (Buffer.byteLength(name) > MAX_NAME_BYTES)
    throw new RelayError("limit", `${says}: it is longer than ${MAX_NAME_BYTES} bytes`);
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(name) || !isSegment(name))
    throw new RelayError("usage", `${says}: write it with a-z 0-9 - _ . and begin with a letter or digit`);
  return name;
}

/** Whether a name read from a file is valid: `checkName` would accept it. */
export function isName(name: string): boolean {
  try {
    return checkName(name) === name;
  } catch (error) {
    if (error instanceof RelayError) return false;
    throw error;
  }
}
