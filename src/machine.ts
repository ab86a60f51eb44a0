import fs from "node:fs";
import path from "node:path";
import { RelayError } from "./errors.ts";
import { argumentsOf, startOf, statOf } from "./place.ts";
import { Relay } from "./relay.ts";
import type { AgentView } from "./roster.ts";
import { knownProjects } from "./upkeep/projects.ts";

/** One project of this user on this machine. */
export interface ProjectAgents {
  /** Its folder. */
  readonly project: string;
  readonly agents: readonly AgentView[];
}

/**
 * Who is at work in each project whose relay this user has used, but for those that nobody here trusts. `onFailure` is told of
 * a relay that cannot be read; the others are shown.
 */
export async function agentsOnMachine(
  env: Readonly<Record<string, string | undefined>>,
  onFailure: (error: RelayError) => void,
): Promise<ProjectAgents[]> {
  const found: ProjectAgents[] = [];
  for (const { dir } of knownProjects(env).filter(({ exists }) => exists)) {
    const relay = new Relay(dir);
    try {
      if (!(await relay.isTrusted())) continue;
      const agents = await relay.agents({ unread: true });
      if (agents.length > 0) found.push({ project: path.dirname(dir), agents });
    } catch (error) {
      if (!(error instanceof RelayError)) throw error;
      onFailure(error);
    }
  }
  return found;
}

/** A process of ours that whoever started it has left behind. */
export interface Orphan {
  readonly pid: number;
  readonly started: number;
  readonly command: string;
}

const SERVANTS = ["mcp", "Wake"]; // these live as long as their host, and look for it every 5 s
// What takes in processes whose parent has ended: of a machine, of a user's session, of a container. Another parent has
// started them, be it process 1.
const REAPERS = ["init", "systemd", "launchd", "tini", "dumb-init", "docker-init", "catatonit", "s6-svscan", "runit"];

/** MCP servers and waiting hooks of this user whose host is gone. None where the system does not show processes. */
export function orphans(): Orphan[] {
  return pids().flatMap((pid) => {
    const args = argumentsOf(pid);
    const started = startOf(pid);
    const isServant = /\bagent-relay(\.cjs)?$/.test(args[1] ?? "") && SERVANTS.some((word) => args.includes(word));
    const parent = statOf(statOf(pid)?.parent ?? 0)?.name ?? "";
    if (!isServant || started === undefined || !REAPERS.includes(parent) || !isOwn(pid)) return [];
    return [{ pid, started, command: args.slice(1).join(" ").trim() }];
  });
}

/** Ends an orphan, if it still is the process that was seen. False if it is gone. */
export function endOrphan({ pid, started }: Orphan): boolean {
  if (startOf(pid) !== started) return false;
  process.kill(pid, "SIGTERM");
  return true;
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
