/** What went wrong, for programs. Stable: a code never changes its meaning. */
export type ErrorCode =
  | "failed" // a bug, or the disk or the system said no
  | "corrupt" // a file that cannot be read as what it should be
  | "usage"
  | "not_found"
  | "conflict" // held or taken by another
  | "timed_out"
  | "refused" // not yours, or not trusted
  | "limit"; // rate, size, or full

/** Who stands in the way of a claim, of a release, or of a task. */
export interface ErrorBlocker {
  readonly session_id: string;
  /** What it is called: its name, or its id. */
  readonly called: string;
  /** What it holds or waits for, in words: paths, resources, or the id of a task. */
  readonly what: string;
  /** `holds` it, was `offered` it, or waits in `line` for it. */
  readonly how: "holds" | "offered" | "line";
  /** Until when, if it is not renewed. ISO 8601; not there for one in line. */
  readonly until?: string;
  /** Why, in its own words. */
  readonly reason?: string;
}

/** What an error says for programs, besides its words: as it is in `--json`, over HTTP, and here. */
export interface ErrorDetails {
  /** Of a `conflict`, `timed_out` or `refused`: who stands in the way. */
  readonly blockers?: readonly ErrorBlocker[];
  /** Of a `conflict`: the sessions that wait for each other in a circle, each with what it waits for. */
  readonly circle?: readonly {
    readonly session_id: string;
    /** What it waits for, in words. */
    readonly for: string;
  }[];
  /** Of a `not_found`: names and ids that are like the one that was given. */
  readonly near?: readonly string[];
  /** Of a `usage`: the names or ids that a word could mean. */
  readonly candidates?: readonly string[];
  /** Of a `limit`: after how many ms the same may be done. */
  readonly retry_after_ms?: number;
}

/**
 * The error that callers of agent-relay may meet. `message` is one sentence without a full stop;
 * `next` is the command or step that helps, if there is one.
 */
export class RelayError extends Error {
  override readonly name = "RelayError";
  /** What went wrong, for programs. */
  readonly code: ErrorCode;
  /** The command or step that helps, if there is one. */
  readonly next: string | undefined;
  /** What else is known of it, for programs; {} if nothing is. */
  readonly details: ErrorDetails;
  /** True: the relay is on a server that cannot be reached now. The same may work later. */
  readonly isAway: boolean;
  /** True: `message` holds words of other agents, which are data to whoever reads them. */
  readonly quotesPeers: boolean;

  constructor(
    code: ErrorCode,
    message: string,
    options: {
      /** The command or step that helps. */
      next?: string | undefined;
      /** What else is known, for programs. */
      details?: ErrorDetails | undefined;
      /** What it comes from. */
      cause?: unknown;
      /** The relay is on a server that cannot be reached now. */
      isAway?: boolean;
      /** The message holds words of other agents. */
      quotesPeers?: boolean;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.next = options.next;
    this.details = options.details ?? {};
    this.isAway = options.isAway === true;
    this.quotesPeers = options.quotesPeers === true;
  }
}

/** An error as `--json`, HTTP and MCP say it. `next`: what to do, where the error does not say. */
export interface ErrorData {
  readonly code: ErrorCode;
  readonly message: string;
  readonly next?: string | undefined;
  readonly details?: ErrorDetails | undefined;
}

export function errorData({ code, message, next, details }: RelayError): ErrorData {
  return { code, message, next, details: Object.keys(details).length === 0 ? undefined : details };
}

/** Whether an error says that the relay is on a server that cannot be reached now. */
export function isAway(error: unknown): boolean {
  return error instanceof RelayError && error.isAway;
}

/** The system's own code for an error (`ENOENT`, ...), or undefined. */
export function errno(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** For `catch`, where what was asked is not worth a failure while the relay is away. */
export function unlessAway(error: unknown): void {
  if (!isAway(error)) throw error;
}

/** Turns a system error met while doing `what` (`write "/x/y"`) into a RelayError; others pass unchanged. */
export function systemError(what: string, error: unknown): unknown {
  const code = errno(error);
  if (error instanceof RelayError || code === undefined) return error;
  const known = SYSTEM_ERRORS[code] ?? { code: "failed", says: code };
  return new RelayError(known.code, `Cannot ${what}: ${known.says}`, {
    cause: error,
    ...(known.next ? { next: known.next } : {}),
  });
}

const LET_IN =
  "let this process write there; a sandboxed agent is let in by its settings, such as writable_roots of Codex's config.toml";

const SYSTEM_ERRORS: Readonly<Record<string, { code: ErrorCode; says: string; next?: string }>> = {
  ENOSPC: { code: "limit", says: "the disk is full (ENOSPC)", next: "free some space or inodes, then run it again" },
  EDQUOT: { code: "limit", says: "your disk quota is used up (EDQUOT)", next: "free some space, then run it again" },
  EMFILE: { code: "limit", says: "this process has too many open files (EMFILE)", next: "raise ulimit -n" },
  ENFILE: { code: "limit", says: "the system has too many open files (ENFILE)", next: "close some programs" },
  EACCES: { code: "refused", says: "permission denied (EACCES)", next: LET_IN },
  EPERM: { code: "refused", says: "not permitted (EPERM)", next: LET_IN },
  EROFS: { code: "refused", says: "the file system is read-only (EROFS)", next: LET_IN },
  ENOTDIR: { code: "refused", says: "a file stands where a folder should be (ENOTDIR)", next: "move that file away" },
  EISDIR: { code: "corrupt", says: "a folder stands where a file should be (EISDIR)" },
  ELOOP: { code: "refused", says: "it is a symbolic link, which is never followed here (ELOOP)" },
};
