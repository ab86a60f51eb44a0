import { THRESHOLDS, type Thresholds } from "../context.ts";
import { RelayError } from "../errors.ts";
import { anything, extra, type Infer, integer, list, object, text } from "../schema.ts";
import { checkSegment, isSegment } from "../store/key.ts";
import { asTyped } from "../text.ts";

/** A process besides the first that a session runs in, such as one that has resumed it elsewhere. */
const OtherProcess = object({ pid: integer(1, 0xffffffff), pid_started: extra(integer()), place: text() });

/** What tells a session of its mail without being asked. */
export const TELLERS = ["hooks", "mcp", "watch"] as const;
export type Teller = (typeof TELLERS)[number];

/** When each of these last told a session of its mail, or found none, and when it last looked by `itself`; Unix seconds. */
const Hears = object({
  ...{ hooks: extra(integer()), mcp: extra(integer()), watch: extra(integer()), itself: extra(integer()) },
});
export type Hears = Infer<typeof Hears>;

/**
 * A registration as it is on disk, in `--json` and here. The first six fields are those of the `agent-relay` crate
 * (times in Unix seconds; `pid` 0 if the agent's process is not known).
 */
export const Agent = object({
  session_id: text(),
  /** Which tool it is: `claude`, `codex`, `gemini`, `human`, ... */
  agent_id: text(),
  pid: integer(0, 0xffffffff),
  registered_at: integer(),
  last_heartbeat: integer(),
  metadata: anything(),
  /** Short handle, unique in the project. */
  name: extra(text()),
  role: extra(text()),
  /** The process's start time in the system's own unit, and where its pid means something. */
  pid_started: extra(integer()),
  place: extra(text()),
  /** The folder it works in, and, in git, its worktree and the branch that was checked out when it registered. */
  cwd: extra(text()),
  worktree: extra(text()),
  branch: extra(text()),
  /** What it does, in a line, and since when (Unix ms). */
  status: extra(text()),
  status_at: extra(integer()),
  /** What tells it of its mail, and when it last looked. */
  hears: extra(Hears),
  /** Unix seconds; only in the archive. */
  ended_at: extra(integer()),
  /** The owner of a session that came over the network: `<user>/<machine>`. */
  owner: extra(text()),
  /** The session's other processes: it ends with the last of them. */
  other_processes: extra(list(OtherProcess)),
  /** Those that it has gone on without: who waits for the end of one waits for the session's. */
  left_processes: extra(list(OtherProcess)),
});
export type Agent = Infer<typeof Agent>;

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
