import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { argumentsOf, bootId, liveness, place, startOf, statOf, thisProcess } from "../../src/machine/process.ts";
import { isSegment } from "../../src/store/key.ts";

const isLinux = process.platform === "linux";

interface Started {
  readonly pid: number;
  readonly line: string;
  readonly endInput: () => void;
  readonly stop: () => Promise<void>;
}

/** Starts a process that waits until the test is over; it has run its first line when this returns. */
async function start(command: string, args: readonly string[]): Promise<Started> {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  onTestFinished(stop);
  const [line] = await once(child.stdout, "data");
  return { pid: child.pid ?? 0, line: String(line).trim(), endInput: () => child.stdin.end(), stop };
}

describe("where pids mean something", () => {
  test("it is one word that can stand in a file name, the same each time", () => {
    expect(isSegment(place())).toBe(true);
    expect(place()).toBe(place());
  });

  test.runIf(isLinux)("it names this boot and this pid namespace", () => {
    expect(place()).toBe(`${bootId()}.${/\d+/.exec(fs.readlinkSync("/proc/self/ns/pid"))?.[0]}`);
  });

  test("this process knows itself, and lives", () => {
    expect(thisProcess()).toMatchObject({ pid: process.pid, place: place() });
    expect(liveness(thisProcess())).toBe("alive");
  });
});

describe("whether a process runs", () => {
  test("one that runs is alive, and dead once it has ended", async () => {
    const { pid, stop } = await start(process.execPath, ["-e", "console.log(1); process.stdin.resume()"]);
    const seen = { pid, started: startOf(pid), place: place() };
    expect(liveness(seen)).toBe("alive");
    await stop();
    expect(liveness(seen)).toBe("dead");
  });

  test("one whose start time is not known is judged by its pid alone", async () => {
    const { pid, stop } = await start(process.execPath, ["-e", "console.log(1); process.stdin.resume()"]);
    expect(liveness({ pid, started: undefined, place: place() })).toBe("alive");
    await stop();
    expect(liveness({ pid, started: undefined, place: place() })).toBe("dead");
  });

  test.runIf(isLinux)("a pid that another process has now is not the old one", () => {
    expect(liveness({ ...thisProcess(), started: 1 })).toBe("dead");
  });

  test("a process of another place is not judged, whatever runs under its pid here", () => {
    expect(liveness({ ...thisProcess(), place: "elsewhere.1" })).toBe("unknown");
    expect(liveness({ pid: 2 ** 22 + 5, started: 1, place: "" })).toBe("unknown");
  });

  test.each([0, -1, -process.pid, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER, Number.NaN, 1.5])(
    "the pid %d is never signalled nor judged",
    (pid) => {
      expect(liveness({ pid, started: undefined, place: place() })).not.toBe("alive");
    },
  );

  test.runIf(isLinux)("one that has ended and waits to be reaped is dead", async () => {
    // A shell starts `cat` and then becomes `tail`, which reaps no children; `cat` ends when its input does.
    const parent = await start("sh", ["-c", "exec 3<&0; cat <&3 & echo $!; exec tail -f /dev/null 3<&-"]);
    const pid = Number(parent.line);
    while (statOf(parent.pid)?.name !== "tail") await new Promise((resolve) => setImmediate(resolve));
    parent.endInput();
    while (statOf(pid)?.state !== "Z") await new Promise((resolve) => setImmediate(resolve));
    expect(liveness({ pid, started: startOf(pid), place: place() })).toBe("dead");
  });

  test.runIf(isLinux)("one that is stopped is alive", async () => {
    const { pid } = await start(process.execPath, ["-e", "console.log(1); process.stdin.resume()"]);
    process.kill(pid, "SIGSTOP");
    while (statOf(pid)?.state !== "T") await new Promise((resolve) => setImmediate(resolve));
    expect(liveness({ pid, started: startOf(pid), place: place() })).toBe("alive");
  });
});

describe.runIf(isLinux)("what the system says of a process", () => {
  test("its parent, session, start and name are read", () => {
    const me = statOf(process.pid);
    expect(me).toMatchObject({ parent: process.ppid, state: "R" });
    expect(me?.started).toBeGreaterThan(0);
    expect(statOf(2 ** 22 + 5)).toBeUndefined();
  });

  test("a name with parentheses and spaces in it misleads nobody", async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "relay-place-"));
    onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
    const odd = path.join(folder, "x) Z 1 (y");
    fs.symlinkSync(process.execPath, odd);
    const { pid } = await start(odd, ["-e", "console.log(1); process.stdin.resume()"]);
    expect(statOf(pid)).toMatchObject({ parent: process.pid, state: expect.stringMatching(/^[RS]$/) });
    expect(liveness({ pid, started: startOf(pid), place: place() })).toBe("alive");
  });

  test("the arguments of an interpreter include the script that it runs, also behind several options", async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "relay-place-"));
    onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
    const script = path.join(folder, "gemini.cjs");
    fs.writeFileSync(script, "console.log(1); process.stdin.resume()");
    const { pid } = await start(process.execPath, ["--no-warnings=DEP0040", "--max-old-space-size=512", script]);
    expect(argumentsOf(pid)).toContain(script);
  });
});
