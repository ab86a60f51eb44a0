import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Io } from "../../src/cli/io.ts";
import { main } from "../../src/cli/main.ts";
import { projectOf } from "../../src/open/open.ts";
import { World } from "./http-relay.ts";
import { COMMAND } from "./paths.ts";

/** The same stories, with the relay behind a server: `test/remote/vitest.config.ts` says so. */
export const isOverHttp = process.env.RELAY_STORIES === "over HTTP";

/** For what is about the folder itself, such as that looking makes none. */
export const hereOnly: typeof test.skip = test.skipIf(isOverHttp);

const PERSON = "ann"; // who runs all this

/** What a command printed, and how it ended. */
export interface Ran {
  readonly out: string;
  readonly err: string;
  readonly code: number;
}

/** A temporary folder that goes with the test. */
export function tempDir(): string {
  const dir = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "relay-cli-")));
  onTestFinished(() => fs.rmSync(dir, { recursive: true, force: true, maxRetries: 20 })); // a process may still end
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
  /** How wide the terminal is that is written to; undefined for a pipe. */
  columns: number | undefined;
  /** How many lines it shows. */
  rows: number | undefined;
  /** What was shown by a pager, with the words of its command; undefined where there is no such program. */
  paged: { text: string; command: readonly string[] }[] | undefined = [];
  /** Over HTTP, all its sessions are of who runs the server: whose pids are believed, and who may clean up. */
  isOneUser = false;
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

  static ofOneUser(): Story {
    return Object.assign(new Story(), { isOneUser: true });
  }

  async as(session: string | undefined, ...args: string[]): Promise<Ran> {
    const ran = { out: "", err: "" };
    const { stdin } = this;
    const io: Io = {
      env: {
        USER: PERSON,
        ...(this.isReal && { PATH: process.env.PATH }),
        HOME: path.dirname(this.cwd),
        XDG_STATE_HOME: this.state,
        ...(session === undefined ? {} : { AGENT_RELAY_SESSION: session }),
        ...(isOverHttp && (await overHttp(this, session))),
        ...this.env,
      },
      cwd: this.cwd,
      script: this.script,
      now: () => this.now,
      isTerminal: this.isTerminal,
      columns: this.columns,
      rows: this.rows,
      page: async (text, command) => {
        this.paged?.push({ text, command });
        return this.paged !== undefined;
      },
      out: async (text) => {
        if (this.outFails !== undefined) throw Object.assign(new Error(this.outFails), { code: this.outFails });
        ran.out += text;
      },
      err: (text) => {
        ran.err += text;
      },
      input: async () => this.stdin,
      lines: async function* (this: void) {
        yield stdin.split("\n");
      },
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

const worlds = new Map<string, Promise<World>>();

/** What lets a story's session use a server that has its relay: each agent as another user, the person as who runs the server. */
export async function overHttp(story: Story, session: string | undefined): Promise<Record<string, string>> {
  const { dir } = projectOf({ cwd: story.cwd, env: { HOME: path.dirname(story.cwd), ...story.env } });
  const known = worlds.get(dir);
  const starting = known ?? World.serve({ relay: dir }, () => story.now, { operator: "olga" });
  if (!known) {
    worlds.set(dir, starting);
    onTestFinished(() => void worlds.delete(dir));
  }
  const world = await starting;
  const isOperator = session === undefined || session === PERSON || story.isOneUser;
  const user = `user-${(session ?? "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, "")
    .slice(0, 30)}`;
  return {
    AGENT_RELAY_SERVER: world.origin,
    AGENT_RELAY_TOKEN: isOperator ? world.local : await world.token("relay", user),
  };
}
