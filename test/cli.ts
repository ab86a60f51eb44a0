import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, onTestFinished } from "vitest";
import type { Io } from "../src/cli/io.ts";
import { main } from "../src/cli/main.ts";

const COMMAND = path.resolve(import.meta.dirname, "../bin/agent-relay.cjs");

/** What a command printed, and how it ended. */
export interface Ran {
  readonly out: string;
  readonly err: string;
  readonly code: number;
}

/** A temporary folder that goes with the test. */
export function tempDir(): string {
  const dir = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "relay-cli-")));
  onTestFinished(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** What stands between the two lines of a frame, after making sure that only its last line closes it. */
export function framed(text: string): string {
  const [, word = ""] = /^\[.* from the relay; .*; ends at (\w{6})\]\n/.exec(text) ?? [];
  expect(word, text).not.toBe("");
  const lines = text.trimEnd().split("\n");
  expect(lines.filter((line) => line === `[${word}]`)).toHaveLength(1);
  expect(lines.at(-1)).toBe(`[${word}]`);
  return lines.slice(1, -1).join("\n");
}

/** A project in which the command is run, each time as the given session, by a clock the test holds. */
export class Story {
  readonly cwd: string;
  /** The user's own folder for what programs note. */
  readonly state = tempDir();
  now = Date.parse("2026-05-01T12:00:00Z");
  stdin = "";
  isTerminal = false;
  /** The environment has this machine's programs in it. */
  isReal = false;
  /** What else is in it. */
  env: Readonly<Record<string, string>> = {};
  script = COMMAND;
  /** Set to make stdout fail with this system error. */
  outFails: string | undefined;

  constructor(cwd = tempDir()) {
    this.cwd = cwd;
  }

  async as(session: string | undefined, ...args: string[]): Promise<Ran> {
    const ran = { out: "", err: "" };
    const io: Io = {
      env: {
        USER: "ann",
        ...(this.isReal && { PATH: process.env.PATH }),
        HOME: path.dirname(this.cwd),
        XDG_STATE_HOME: this.state,
        ...(session === undefined ? {} : { AGENT_RELAY_SESSION: session }),
        ...this.env,
      },
      cwd: this.cwd,
      script: this.script,
      now: () => this.now,
      isTerminal: this.isTerminal,
      out: async (text) => {
        if (this.outFails !== undefined) throw Object.assign(new Error(this.outFails), { code: this.outFails });
        ran.out += text;
      },
      err: (text) => {
        ran.err += text;
      },
      input: async () => this.stdin,
      hasParent: () => true,
      onInterrupt: () => {},
    };
    const code = await main(args, io);
    return { ...ran, code };
  }

  /** `as`, and the JSON it printed. */
  async json<T>(session: string, ...args: string[]): Promise<T> {
    return JSON.parse((await this.as(session, ...args, "--json")).out);
  }
}
