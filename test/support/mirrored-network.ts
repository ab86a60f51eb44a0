import path from "node:path";
import type { Replicas } from "../../src/mirror/replica.ts";
import { Mirror } from "../../src/mirror/round.ts";
import { noteMirrored } from "../../src/mirror/runner.ts";
import { AGREED } from "../../src/project/upstream.ts";
import { Relay } from "../../src/relay.ts";
import { FileStore } from "../../src/store/file/file-store.ts";
import { iso } from "../../src/time.ts";
import { tempDir } from "./cli.ts";
import { World } from "./http-relay.ts";

/** A server, and machines that mirror it, each with agents who touch nothing but their own files. */
export class Net {
  now = Date.parse("2026-05-01T12:00:00Z");
  readonly world: World;
  readonly notices: string[] = [];

  constructor(world: World) {
    this.world = world;
  }

  static async open(): Promise<Net> {
    const clock: { net?: Net } = {};
    const world = await World.serve({ shop: `${tempDir()}/.relay` }, () => clock.net?.now ?? 0, { isVerbose: true });
    clock.net = new Net(world);
    return clock.net;
  }

  async machine(user: string): Promise<Machine> {
    const dir = `${tempDir()}/.relay`;
    const local = new FileStore(dir, { durability: "process", now: () => this.now });
    const secret = await this.world.token("shop", user);
    const owner = `${user}/script-all`;
    await noteMirrored(local, { url: this.world.origin, relay: "relay-shop", owner, since: iso(this.now) });
    return new Machine(this, local, dir, {
      ...{ project: path.dirname(dir), local, owner, relay: "relay-shop", now: () => this.now, ahead: () => 0 },
      remote: (session) => this.world.storeWith("shop", secret, session),
      notice: (text) => this.notices.push(text),
    });
  }

  /** Rounds of each, a minute apart, until all have heard what the others said: three, or two where nothing happened in the second. */
  async agree(...machines: readonly Machine[]): Promise<void> {
    for (let round = 0, isQuiet = false; round < 3 && !isQuiet; round++) {
      this.now += 60_000;
      isQuiet = round > 0;
      for (const machine of machines) if ((await machine.round()).size > 0) isQuiet = false;
    }
    for (const { store } of machines) await store.unmark(AGREED); // nobody mirrors from now on: claims wait for no answer
  }

  local(session: string): Relay {
    const store = this.world.stores.get("shop");
    return new Relay("/srv/shop/.relay", { session, agent: "claude", now: () => this.now, ...(store && { store }) });
  }
}

export class Machine {
  readonly store: FileStore;
  readonly dir: string;
  readonly #net: Net;
  readonly #sides: Replicas;
  mirror: Mirror;

  constructor(net: Net, store: FileStore, dir: string, replicas: Replicas) {
    this.#net = net;
    this.store = store;
    this.dir = dir;
    this.#sides = replicas;
    this.mirror = new Mirror(replicas);
  }

  round(): ReturnType<Mirror["round"]> {
    return this.mirror.round();
  }

  /** The mirror was killed, and is started anew. */
  restart(): void {
    this.mirror = new Mirror(this.#sides);
  }

  as(session: string): Relay {
    return new Relay(this.dir, { session, agent: "claude", store: this.store, now: () => this.#net.now });
  }
}
