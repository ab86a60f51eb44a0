import { execFile } from "node:child_process";
import { gitEnv } from "./run.ts";

const MAX_STATUS_MS = 2000;

const SAFELY = ["--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "safe.bareRepository=explicit"];

/** The files that `git status` lists, without `.relay/`; none if git cannot tell. */
export function changedFiles(root: string): Promise<string[]> {
  const args = ["-C", root, ...SAFELY, "status", "--porcelain", "-z", "--no-renames"];
  return new Promise((resolve) => {
    execFile("git", args, { env: gitEnv(), timeout: MAX_STATUS_MS, maxBuffer: 1e8 }, (error, stdout) => {
      const lines = error ? [] : stdout.split("\0").filter((line) => line.length > 3);
      resolve(lines.map((line) => line.slice(3)).filter((file) => !file.startsWith(".relay/")));
    });
  });
}
