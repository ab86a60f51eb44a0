import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { COMMAND, LAUNCHER } from "../support/paths.ts";
import type { RealHost } from "./hosts.ts";
import { type Run, runIsolated, withIsolated } from "./namespace.ts";
import { Stub } from "./stub.ts";
import { Lines } from "./talk.ts";

const LIMIT = 20_000; // ms for one command of ours, and for what a host does in between
const run = promisify(execFile);

/** A person's home folder and project, where one host works with a model that is a stub. */
export class Case {
  readonly folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "relay-hosts-")));
  readonly home = path.join(this.folder, "home");
  readonly project = path.join(this.folder, "project");
  readonly stub = new Stub(path.join(this.folder, "requests.jsonl"));
  readonly #bin = path.join(this.folder, "bin");
  readonly #socket = path.join(this.folder, "stub");
  readonly #host: RealHost;
  readonly #programs: string;

  /** `programs` is the folder with the host's program. */
  constructor(host: RealHost, programs: string) {
    this.#host = host;
    this.#programs = programs;
  }

  async open(): Promise<void> {
    for (const folder of [this.home, this.project, path.join(this.folder, "tmp"), this.#bin]) fs.mkdirSync(folder);
    fs.symlinkSync(COMMAND, path.join(this.#bin, "agent-relay"));
    fs.symlinkSync(LAUNCHER, path.join(this.#bin, "agent-relay-hook"));
    for (const [name, text] of Object.entries(this.#host.settings(this.project))) {
      const file = path.join(this.home, name);
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, text);
    }
    await this.git("init", "--quiet");
    fs.writeFileSync(path.join(this.project, "claimed.txt"), "before\n");
    await this.git("add", ".");
    await this.git("-c", "user.name=x", "-c", "user.email=x@y", "commit", "--quiet", "-m", "first");
    await this.stub.listen(this.#socket);
  }

  close(): void {
    this.stub.close();
  }

  remove(): void {
    fs.rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Runs the host to its end. Returns its exit code; undefined where it hung. */
  async host(args: readonly string[]): Promise<number | undefined> {
    return runIsolated(this.#how(args));
  }

  /** Types a line in a shell where the host's program is at hand. Returns its exit code. */
  async shell(line: string): Promise<number | undefined> {
    const { env, ...how } = this.#how([]);
    const PATH = `${this.#programs}${path.delimiter}${env.PATH}`;
    return runIsolated({ ...how, env: { ...env, PATH }, command: ["sh", "-c", line] });
  }

  /** Starts the host for a talk of several prompts, and ends it after that. */
  async talk(use: (say: (prompt: string) => Promise<unknown>) => Promise<void>): Promise<void> {
    const { args, begin } = this.#host.talk;
    await withIsolated(this.#how(args), async (child) => use(await begin(new Lines(child), this.project)));
  }

  #how(args: readonly string[]): Run {
    return {
      socket: this.#socket,
      command: [path.join(this.#programs, this.#host.name), ...args],
      cwd: this.project,
      env: { ...this.#env, ...this.#host.env },
      log: path.join(this.folder, "host.log"),
    };
  }

  /** What a command of ours prints, as somebody else types it in the project. */
  async relay(...args: readonly string[]): Promise<string> {
    return (await this.#run(process.execPath, [COMMAND, ...args])).stdout;
  }

  async git(...args: readonly string[]): Promise<string> {
    return (await this.#run("git", args)).stdout;
  }

  /** What git says that is new here, or changed. */
  status(): Promise<string> {
    return this.git("status", "--porcelain", "--untracked-files=all");
  }

  file(name: string): string | undefined {
    const file = path.join(this.project, name);
    return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : undefined;
  }

  /** A shell command that runs until it is let end, and two promises' worth of that. */
  gate(name: string): { readonly command: string; readonly started: () => Promise<void>; readonly end: () => void } {
    const [started, end] = [`${name}.started`, `${name}.end`].map((file) => path.join(this.folder, file));
    return {
      command: `: > ${started}; until [ -e ${end} ]; do sleep 0.05; done`,
      started: async () => {
        for (const limit = Date.now() + LIMIT; !fs.existsSync(started ?? ""); await sleep(20))
          if (Date.now() > limit) throw new Error(`the tool "${name}" did not start`);
      },
      end: () => fs.writeFileSync(end ?? "", ""),
    };
  }

  /** Whether the host keeps a file, or a folder, that is named so. */
  keeps(name: string): boolean {
    return fs.readdirSync(this.home, { recursive: true }).some((file) => path.basename(String(file)).includes(name));
  }

  /** The last that the host printed. */
  get said(): string {
    const log = path.join(this.folder, "host.log");
    return fs.existsSync(log) ? fs.readFileSync(log, "utf8").slice(-2000) : "";
  }

  get #env(): NodeJS.ProcessEnv {
    const PATH = `${this.#bin}${path.delimiter}${process.env.PATH}`;
    return { PATH, HOME: this.home, TMPDIR: path.join(this.folder, "tmp"), LANG: "C.UTF-8", TERM: "xterm" };
  }

  #run(program: string, args: readonly string[]) {
    return run(program, args, { cwd: this.project, env: this.#env, timeout: LIMIT });
  }
}
