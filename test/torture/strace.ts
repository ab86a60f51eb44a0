import { spawn } from "node:child_process";
import { Lines, startWorker } from "./processes.ts";

// Everything that can touch a file; `?` passes over what a platform does not have.
const CALLS = (
  "open openat creat read pread64 readv write pwrite64 writev close fsync fdatasync fstat newfstatat stat lstat statx " +
  "access faccessat faccessat2 mkdir mkdirat rmdir rename renameat renameat2 link linkat unlink unlinkat symlink " +
  "symlinkat utimensat utimes getdents getdents64 readlink readlinkat truncate ftruncate fallocate chmod fchmod fchmodat"
)
  .split(" ")
  .map((call) => `?${call}`)
  .join(",");

/** One system call of a run: the `nth` of its name, and what it is in words that are the same in every run. */
export interface Call {
  readonly name: string;
  readonly nth: number;
  readonly what: string;
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

/** Kills a run as it enters `call`. Undefined if that run did not come to that very call. */
export async function killAt(name: string, home: string, call: Call): Promise<Lines | undefined> {
  const { worker, calls } = await runTraced(name, home, `${call.name}:signal=SIGKILL:when=${call.nth}`);
  const last = calls.at(-1);
  return worker.child.signalCode === "SIGKILL" && last?.nth === call.nth && last.what === call.what
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
  const calls: Call[] = [];
  for (const line of lines) {
    const name = /^(\w+)\(/.exec(line)?.[1];
    if (name === undefined) continue;
    const nth = (counts.get(name) ?? 0) + 1;
    counts.set(name, nth);
    const path = line.slice(line.indexOf(home) + home.length).split(/[">]/, 1)[0];
    if (line.includes(home)) calls.push({ name, nth, what: `${name} ${steady(path ?? "")}` });
    else if (/^write\(1\D.*done/.test(line)) calls.push({ name, nth, what: "write done" });
  }
  return calls;
}

/** A path without its random and passing parts. */
function steady(path: string): string {
  return path.replace(/[0-9a-z]{12}\.\d+\.\d+\.[^/]+/g, "owner").replace(/(-|\b)[0-9a-z]{21}|[0-9a-z]{12}\b/g, "*");
}
