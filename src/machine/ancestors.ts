import fs from "node:fs";
import { errno } from "../errors.ts";
import { argumentsOf, statOf } from "./process.ts";

const MAX_ANCESTORS = 64; // a real chain has about ten; a hostile /proc may have a loop
const TICKS_PER_SECOND = 100; // clock ticks a second in /proc/<pid>/stat on every Linux that Node runs on
const BRAND_NEW_SECONDS = 2; // a shell younger than this was started for one command

/** The processes above this one, the nearest first. Empty if the system does not show them. Starts no child process. */
export function ancestors(): Ancestor[] {
  const chain: Ancestor[] = [];
  for (let pid = process.ppid; pid > 0 && chain.length < MAX_ANCESTORS; ) {
    const stat = statOf(pid);
    if (!stat) break;
    chain.push({ pid, started: stat.started, name: stat.name, args: argumentsOf(pid) });
    pid = stat.parent;
  }
  return chain;
}

/** The first process of our terminal, if there is a terminal and that process is not brand-new. */
export function terminalLeader(): Ancestor | undefined {
  const me = statOf(process.pid);
  if (!me || me.terminal === 0) return undefined;
  const leader = statOf(me.session);
  const uptime = uptimeSeconds();
  if (!leader || uptime === undefined || uptime - leader.started / TICKS_PER_SECOND < BRAND_NEW_SECONDS)
    return undefined;
  return { pid: me.session, started: leader.started, name: leader.name, args: [] };
}

function uptimeSeconds(): number | undefined {
  try {
    return Number.parseFloat(fs.readFileSync("/proc/uptime", "utf8"));
  } catch (error) {
    if (errno(error) === undefined) throw error;
    return undefined;
  }
}

/** A process above ours. */
export interface Ancestor {
  readonly pid: number;
  readonly started: number;
  readonly name: string;
  readonly args: readonly string[];
}
