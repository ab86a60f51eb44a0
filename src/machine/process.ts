import fs from "node:fs";
import os from "node:os";
import { errno } from "../errors.ts";

/** A process, and where its pid means something. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Its start time in the system's own unit (Linux: clock ticks since boot): a reused pid is another process. */
  readonly started: number | undefined;
  readonly place: string;
}

/**
 * Where pids of this process mean something: boot id and pid namespace, `[A-Za-z0-9.-]`. Outside Linux: host name and
 * the hour of boot. Two processes may judge each other's pids only if their places are equal.
 */
export function place(): string {
  here ??= bootId() === undefined ? elsewhere() : `${bootId()}.${pidNamespace()}`;
  return here;
}
let here: string | undefined;

/** This boot of this machine, or undefined where the system does not say. */
export function bootId(): string | undefined {
  boot ??= { id: readLine("/proc/sys/kernel/random/boot_id") };
  return boot.id;
}
let boot: { readonly id: string | undefined } | undefined;

/** This process. */
export function thisProcess(): ProcessIdentity {
  self ??= { pid: process.pid, started: startOf(process.pid), place: place() };
  return self;
}
let self: ProcessIdentity | undefined;

/** When a process of this place started, or undefined if it is not there or cannot be seen. Starts no child process. */
export function startOf(pid: number): number | undefined {
  return statOf(pid)?.started;
}

/** Whether a process still runs: `unknown` if its pid means nothing here. A process we may not signal is alive. */
export function liveness(of: ProcessIdentity): "alive" | "dead" | "unknown" {
  if (of.place !== place() || !Number.isInteger(of.pid) || of.pid <= 0 || of.pid > 0x7fffffff) return "unknown";
  try {
    process.kill(of.pid, 0);
  } catch (error) {
    if (errno(error) === "ESRCH") return "dead";
  }
  const now = statOf(of.pid);
  if (!now) return "alive"; // it exists, and its details are hidden from us
  if (now.state === "Z" || now.state === "X") return "dead"; // waits only to be reaped
  return of.started === undefined || of.started === now.started ? "alive" : "dead";
}

/** What Linux says of a process, or undefined. */
export interface ProcessStat {
  readonly name: string;
  readonly state: string;
  readonly parent: number;
  readonly session: number;
  /** The controlling terminal's device number; 0 if it has none. */
  readonly terminal: number;
  readonly started: number;
}

export function statOf(pid: number): ProcessStat | undefined {
  const line = readLine(`/proc/${pid}/stat`);
  const nameEnd = line?.lastIndexOf(")") ?? -1; // the name itself may hold spaces and parentheses
  if (line === undefined || nameEnd < 0) return undefined;
  const fields = line.slice(nameEnd + 2).split(" ");
  return {
    name: line.slice(line.indexOf("(") + 1, nameEnd),
    state: fields[0] ?? "?",
    parent: Number(fields[1]),
    session: Number(fields[3]),
    terminal: Number(fields[4]),
    started: Number(fields[19]),
  };
}

/** A process's arguments, empty if it cannot be seen. */
export function argumentsOf(pid: number): string[] {
  return readLine(`/proc/${pid}/cmdline`)?.split("\0").slice(0, 16) ?? [];
}

function pidNamespace(): string {
  try {
    return /\d+/.exec(fs.readlinkSync("/proc/self/ns/pid"))?.[0] ?? "0";
  } catch (error) {
    if (errno(error) === undefined) throw error;
    return "0"; // a kernel without namespaces has one place for all
  }
}

function elsewhere(): string {
  const host = os.hostname().replaceAll(/[^A-Za-z0-9-]/g, "-");
  return `${host}.${Math.round((Date.now() / 1000 - os.uptime()) / 3600)}`;
}

function readLine(path: string): string | undefined {
  try {
    return fs.readFileSync(path, "utf8").trimEnd();
  } catch (error) {
    if (errno(error) === undefined) throw error;
    return undefined; // gone, hidden, or not Linux: all mean "cannot be seen"
  }
}
