import { spawn } from "node:child_process";
import { Lines, startWorker } from "./workers.ts";

// Everything that can touch a file; `?` passes over what a platform does not have.
const CALLS = (
  "open openat creat read pread64 readv write pwrite64 writev close fsync fdatasync fstat newfstatat stat lstat statx " +
  "access faccessat faccessat2 mkdir mkdirat rmdir rename renameat renameat2 link linkat unlink unlinkat symlink " +
  "symlinkat utimensat utimes getdents getdents64 readlink readlinkat truncate ftruncate fallocate chmod fchmod fchmodat"
)
  .split(" ")
  .map((call) => `?${call}`)
  .join(",");

/** One system call of a run. */
export interface Call {
  readonly name: string;
  /** How many of that name there were with it. It varies by a few: Node wakes its own threads with a `write` now and then. */
  readonly nth: number;
  /** What it is, in words that are the same in every run. */
  readonly what: string;
  /** How many of that `what` there were with it. */
  readonly turn: number;
}

/** Whether strace is here and may trace. */
export async function canTrace(): Promise<boolean> {
  const probe = new Lines(
    spawn("strace", ["-e", "trace=none", "true"], { stdio: ["ignore", "ignore", "pipe"] }),
    "stderr",
  );
  try {
    await probe.ended;
  } catch {
    return false;
  }
  return probe.child.exitCode === 0;
}

/** The system calls of one run of an operation that touch `home`, and the one that says that it is done. */
export async function traceCalls(name: string, home: string): Promise<Call[]> {
  const { calls } = await runTraced(name, home);
  return calls;
}

/** Kills a run as it enters `call`, expected `drift` calls of its name later than before. Undefined if that was another one. */
export async function killAt(name: string, home: string, call: Call, drift = 0): Promise<Lines | undefined> {
  const nth = Math.max(1, call.nth + drift);
  const { worker, calls } = await runTraced(name, home, `${call.name}:signal=SIGKILL:when=${nth}`);
  const last = calls.at(-1);
  return worker.child.signalCode === "SIGKILL" && last?.what === call.what && last.turn === call.turn
    ? worker
    : undefined;
}

/** Stops a run as soon as `call` is made, does `meanwhile`, and lets it go on to its end. */
export async function stopAt(
  name: string,
  home: string,
  call: Call,
  meanwhile: () => Promise<void>,
): Promise<Lines | undefined> {
  let isStopped = false;
  const { worker } = await runTraced(
    name,
    home,
    `${call.name}:signal=SIGSTOP:when=${call.nth}`,
    async (tracer, { child }) => {
      isStopped = await tracer.has("stopped by SIGSTOP");
      if (isStopped) await meanwhile();
      child.kill("SIGCONT");
    },
  );
  return isStopped ? worker : undefined;
}

async function runTraced(
  name: string,
  home: string,
  inject?: string,
  drive?: (tracer: Lines, worker: Lines) => Promise<void>,
): Promise<{ worker: Lines; calls: Call[] }> {
  const worker = startWorker(name, home, { mode: "wait" });
  await worker.has("ready");
  const args = ["-p", String(worker.child.pid), "-y", "-e", `trace=${CALLS}`, "-e", "signal=SIGSTOP"];
  if (inject !== undefined) args.push("-e", `inject=${inject}`);
  const tracer = new Lines(spawn("strace", args, { stdio: ["ignore", "ignore", "pipe"] }), "stderr");
  await tracer.has("attached");
  worker.child.stdin?.end("\n");
  await drive?.(tracer, worker);
  await Promise.all([worker.ended, tracer.ended]);
  return { worker, calls: callsIn(tracer.all, home) };
}

function callsIn(lines: readonly string[], home: string): Call[] {
  const counts = new Map<string, number>();
  const count = (of: string) => {
    counts.set(of, (counts.get(of) ?? 0) + 1);
    return counts.get(of) ?? 0;
  };
  const calls: Call[] = [];
  for (const line of lines) {
    const name = /^(\w+)\(/.exec(line)?.[1];
    if (name === undefined) continue;
    const nth = count(name);
    const path = line.slice(line.indexOf(home) + home.length).split(/[">]/, 1)[0];
    const isDone = /^write\(1\D.*done/.test(line);
    const what = isDone ? "write done" : `${name} ${steady(path ?? "")}`;
    if (isDone || line.includes(home)) calls.push({ name, nth, what, turn: count(what) });
  }
  return calls;
}

/** A path without its random and passing parts. */
function steady(path: string): string {
  return path.replace(/[0-9a-z]{12}\.\d+\.\d+\.[^/]+/g, "owner").replace(/(-|\b)[0-9a-z]{21}|[0-9a-z]{12}\b/g, "*");
}
