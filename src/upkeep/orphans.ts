import fs from "node:fs";
import { errno, systemError } from "../errors.ts";
import { hostOf } from "../hosts/detect.ts";
import { argumentsOf, startOf, statOf } from "../machine/process.ts";
import { sleep, steady } from "../time.ts";

/** A process of agent-relay whose host has ended. */
export interface Orphan {
  readonly pid: number;
  readonly started: number;
  readonly command: string;
}

const END_PATIENCE_MS = 2000; // a server that listens ends within a tenth of that
const END_POLL_MS = 20;
const SERVANTS = ["mcp", "Wake"]; // these live as long as their host, and look for it every 5 s
// Processes besides process 1 that adopt those whose parent has ended: in a user's session, in a container. An agent
// that is process 1 of its container adopted nothing: it has started them.
const REAPERS = ["init", "systemd", "launchd", "tini", "dumb-init", "docker-init", "catatonit", "s6-svscan", "runit"];

/** MCP servers and waiting hooks of this user whose host is gone. None where the system does not show processes. */
export function orphans(): Orphan[] {
  return pids().flatMap((pid) => {
    const args = argumentsOf(pid);
    const started = startOf(pid);
    const isServant = /\bagent-relay(\.cjs)?$/.test(args[1] ?? "") && SERVANTS.some((word) => args.includes(word));
    if (!isServant || started === undefined || !isOwn(pid) || !wasTakenIn(statOf(pid)?.parent ?? 0)) return [];
    return [{ pid, started, command: args.slice(1).join(" ").trim() }];
  });
}

/** Whether the process `parent` adopts those whose parent has ended, and so did not start the orphan itself. */
function wasTakenIn(parent: number): boolean {
  const name = statOf(parent)?.name ?? "";
  return REAPERS.includes(name) || (parent === 1 && hostOf(name, argumentsOf(parent)) === undefined);
}

/** Ends an orphan, if it still is the process that was seen: by SIGTERM, then by SIGKILL if it still runs. */
export async function endOrphan({ pid, started }: Orphan): Promise<void> {
  const isThere = () => {
    const now = statOf(pid);
    return now !== undefined && now.started === started && now.state !== "Z";
  };
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    if (!isThere()) return;
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (errno(error) !== "ESRCH") throw systemError(`end pid ${pid}`, error);
    }
    for (const begun = steady(); isThere() && steady() - begun < END_PATIENCE_MS; ) await sleep(END_POLL_MS);
  }
}

function pids(): number[] {
  if (!fs.existsSync("/proc/self/stat")) return [];
  return fs
    .readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function isOwn(pid: number): boolean {
  return fs.statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid === process.getuid?.();
}
