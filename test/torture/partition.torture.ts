import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { expect, onTestFailed, onTestFinished, test } from "vitest";
import { RelayError } from "../../src/errors.ts";
import { FileStore, Relay } from "../../src/index.ts";
import { COMMAND } from "../support/paths.ts";
import { seen } from "../support/visible-state.ts";
import { Network, whyNoHosts } from "./network.ts";

const HOSTS = ["one", "two", "three"];
const PACE = 60; // ms between two things that an agent does
const SELDOM = { interval: 500 };

const whyNot = whyNoHosts();
if (whyNot !== undefined) process.stderr.write(`skipped: mirrors on several hosts: ${whyNot}\n`);

/** A host with a home, a project, and at most one program of ours that runs there. */
class Host {
  readonly name: string;
  readonly project: string;
  readonly #network: Network;
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;
  said = "";

  constructor(network: Network, name: string) {
    this.#network = network;
    this.name = name;
    const home = fs.mkdtempSync(path.join(os.tmpdir(), `relay-${name}-`));
    this.project = path.join(home, "shop");
    fs.mkdirSync(this.project);
    this.#env = { PATH: process.env.PATH, HOME: home, USER: name };
    onTestFinished(async () => {
      await this.kill();
      fs.rmSync(home, { recursive: true, force: true });
    });
  }

  get dir(): string {
    return path.join(this.project, ".relay");
  }

  run(...words: readonly string[]): string {
    const command = ["env", "-C", this.project, ...this.#pairs(), process.execPath, COMMAND, ...words];
    return this.#network.run(this.name, ...command);
  }

  /** Starts one of our programs that stays, and waits for its first word. */
  async start(...words: readonly string[]): Promise<void> {
    const command = [process.execPath, COMMAND, ...words];
    const child = this.#network.start(this.name, command, { cwd: this.project, env: this.#env });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data) => (this.said += data));
    await Promise.race([once(child.stdout as NodeJS.ReadableStream, "data"), once(child, "exit")]);
    expect(child.exitCode, this.said).toBeNull();
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  #pairs(): string[] {
    return Object.entries(this.#env).map(([name, value]) => `${name}=${value}`);
  }
}

/** An agent that talks, claims, works and reads without pause, by files alone. */
class Agent {
  readonly session: string;
  readonly store: FileStore;
  readonly relay: Relay;
  readonly direct = new Map<string, string>(); // what was acknowledged: to whom
  readonly told = new Set<string>(); // ... and to all
  readonly shown: string[] = [];
  isOver = false;

  constructor(host: Host) {
    this.session = `agent-${host.name}`;
    this.store = new FileStore(host.dir, { durability: "process" });
    this.relay = new Relay(host.dir, { session: this.session, agent: "claude", store: this.store });
  }

  async work(others: readonly string[]): Promise<void> {
    for (let count = 0; !this.isOver; count++) {
      const to = others[count % others.length] ?? "";
      if (count % 4 === 0) this.told.add((await this.relay.send(`to all ${count}`)).id);
      else this.direct.set((await this.relay.send(`to one ${count}`, { to })).id, to);
      if (count % 8 === 0) await allowed(this.relay.claim([`src/${count % 3}`], { ttlMs: 60_000 }));
      if (count % 7 === 0) await allowed(this.relay.tasks.add(`${this.session} ${count}`));
      if (count % 9 === 0) await allowed(this.#finish());
      if (count % 11 === 0) await this.relay.claims.releaseAll();
      await this.read();
      await new Promise((resolve) => setTimeout(resolve, PACE));
    }
    await this.relay.claims.releaseAll();
  }

  async #finish(): Promise<void> {
    const task = await this.relay.tasks.next();
    if (task) await this.relay.tasks.done(task.id);
  }

  async read(): Promise<void> {
    for (const { message, is_new } of (await this.relay.inbox({ limit: 100 })).items)
      if (is_new && message.from_session !== "system") this.shown.push(message.id);
  }

  get done(): number {
    return this.direct.size + this.told.size;
  }
}

/** In words, for whoever reads why two folders are not the same. */
function firstDifference(own: unknown, expected: unknown): string {
  const [mine, theirs] = [own, expected].map((list) => (list as unknown[]).map((each) => JSON.stringify(each)));
  const missing = theirs?.filter((each) => !mine?.includes(each)) ?? [];
  const extra = mine?.filter((each) => !theirs?.includes(each)) ?? [];
  return `${missing.length} missing, such as ${missing[0]}; ${extra.length} more, such as ${extra[0]}`;
}

/** What a server may decide against an agent is no failure. */
async function allowed(deed: Promise<unknown>): Promise<void> {
  await deed.catch((error: unknown) => {
    if (!(error instanceof RelayError) || !["conflict", "refused", "not_found"].includes(error.code)) throw error;
  });
}

test.skipIf(whyNot !== undefined)(
  "three machines that are parted, lose packets and find their server killed lose no message, show none twice, and come to agree",
  async () => {
    const network = await Network.of("server", ...HOSTS);
    const server = new Host(network, "server");
    const hosts = HOSTS.map((name) => new Host(network, name));
    onTestFailed(() => {
      for (const { name, said } of hosts) process.stderr.write(`${name} said:\n${said}\n`);
    });
    const serve = () => server.start("serve", "--host", network.addressOf("server"), "--plain");
    const url = `http://${network.addressOf("server")}:4800`;
    const invites = HOSTS.map((user) => /ar-invite-[\w-]+/.exec(server.run("invite", "--user", user))?.[0] ?? "");
    await serve();
    for (const [index, host] of hosts.entries()) {
      host.run("login", url, "--invite", invites[index] ?? "", "--machine", "box");
      await host.start("mirror", url);
    }
    const agents = hosts.map((host) => new Agent(host));
    for (const agent of agents) await agent.relay.agents.register();
    for (const agent of agents)
      await expect.poll(async () => (await agent.relay.agents.list()).length, SELDOM).toBe(agents.length);

    const working = agents.map((agent) =>
      agent.work(agents.filter((other) => other !== agent).map(({ session }) => session)),
    );
    const failed = Promise.all(working).then(() => undefined);
    failed.catch(() => {}); // thrown below
    /** Until each has sent so many more. */
    const more = async (count: number) => {
      const goals = agents.map(({ done }) => done + count);
      const isThere = () => agents.every(({ done }, index) => done >= (goals[index] ?? 0));
      while (!isThere()) await Promise.race([failed, new Promise((resolve) => setTimeout(resolve, PACE))]);
    };
    const [one, two, three] = HOSTS as [string, string, string];
    await more(8);
    network.cut(one);
    await more(8);
    network.cut(two);
    await more(8);
    network.heal(one);
    for (let killed = 0; killed < 3; killed++) {
      await server.kill();
      await more(5);
      await serve();
      await more(5);
    }
    network.heal(two);
    if (network.lose(20)) await more(15);
    else process.stderr.write("skipped: packets that are lost: there is no nft\n");
    for (const host of hosts) {
      await host.kill();
      await more(5);
      await host.start("mirror");
    }
    network.cut(three);
    await more(8);
    network.heal(three);
    network.lose(0);
    await more(5);
    for (const agent of agents) agent.isOver = true;
    await failed;

    const owed = () =>
      agents.flatMap((reader) => {
        const due = agents
          .filter((sender) => sender !== reader)
          .flatMap(({ direct, told }) => [
            ...[...direct].filter(([, to]) => to === reader.session).map(([id]) => id),
            ...told,
          ]);
        return due.filter((id) => !reader.shown.includes(id)).map((id) => `${reader.session} ${id}`);
      });
    const readAll = async () => {
      for (const agent of agents) await agent.read();
      return owed();
    };
    await expect.poll(readAll, SELDOM).toEqual([]);
    for (const { shown, session } of agents)
      expect(
        shown.filter((id, index) => shown.indexOf(id) !== index),
        `${session} was shown twice`,
      ).toEqual([]);

    const there = new FileStore(server.dir);
    const differences = async () => {
      const expected = await seen(there);
      const found: string[] = [];
      for (const { store, session } of agents) {
        const own = await seen(store);
        for (const part of Object.keys(expected))
          if (!isDeepStrictEqual(own[part], expected[part]))
            found.push(`${session} ${part}: ${firstDifference(own[part], expected[part])}`);
      }
      return found;
    };
    await expect.poll(differences, SELDOM).toEqual([]);
    expect(agents.every(({ done }) => done > 50)).toBe(true);
  },
);
