import path from "node:path";
import { onTestFinished } from "vitest";
import { hashOf, newSecret, type TokenScope } from "../../src/identity/member.ts";
import { noteServing } from "../../src/identity/servers.ts";
import { place } from "../../src/machine/process.ts";
import { Authenticator } from "../../src/server/auth.ts";
import { type Listening, type ListenOptions, listen, originsOf } from "../../src/server/listen.ts";
import { RelayServer, type RelayServerOptions } from "../../src/server/server.ts";
import { FileStore } from "../../src/store/file/file-store.ts";
import { HttpStore } from "../../src/store/http/http-store.ts";
import type { Store } from "../../src/store/store.ts";

const OPERATOR = "ann"; // who runs the server

/** Relays that are served on a socket of this machine, by a clock the test holds. */
export class World {
  readonly stores = new Map<string, Store>();
  readonly gates = new Map<string, Authenticator>();
  readonly log: Readonly<Record<string, unknown>>[] = [];
  readonly local = newSecret("local");
  readonly #now: () => number;
  readonly #tokens = new Map<string, string>();
  #host: RelayServer | undefined;
  #listening: Listening | undefined;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Serves these folders, by their names. */
  static async serve(
    folders: Readonly<Record<string, string>>,
    now?: () => number,
    options: Partial<RelayServerOptions> & Partial<ListenOptions> = {},
  ) {
    const world = new World(now);
    for (const [name, dir] of Object.entries(folders))
      world.add(name, new FileStore(dir, { durability: "process", ...(now && { now }) }));
    await world.start(options);
    onTestFinished(() => world.end());
    return world;
  }

  add(name: string, store: Store): void {
    this.stores.set(name, store);
  }

  get port(): number {
    return this.#listening?.port ?? 0;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(options: Partial<RelayServerOptions> & Partial<ListenOptions> = {}): Promise<void> {
    const origins = new Set<string>();
    const relays = [...this.stores].map(([name, store]) => {
      const auth = new Authenticator({
        ...{ store, relay: `relay-${name}`, operator: OPERATOR },
        ...{ local: this.local, origins, now: this.#now },
      });
      this.gates.set(name, auth);
      return { name, dir: path.join("/srv", name, ".relay"), store, auth };
    });
    const { port = 0, patience, connections, ...more } = options;
    // The port is known only when it listens; what is asked before then has no answer.
    const host = new RelayServer(relays, {
      operator: OPERATOR,
      version: "0.0.0",
      now: this.#now,
      place: place(),
      origins,
      log: (entry) => this.log.push(entry),
      ...more,
    });
    this.#host = host;
    this.#listening = await listen(host, {
      ...{ host: "127.0.0.1", port, ...(patience && { patience }), ...(connections && { connections }) },
    });
    for (const origin of originsOf("127.0.0.1", this.port, false, [])) origins.add(origin);
  }

  /** The relay of this name, for this machine's own user. */
  store(name: string, session?: string): HttpStore {
    return this.storeWith(name, this.local, session);
  }

  storeWith(name: string, secret: string, session?: string): HttpStore {
    const store = new HttpStore(`${this.origin}/${name}`, {
      now: this.#now,
      credentials: { secret: async () => secret },
    });
    if (session !== undefined) store.actAs(session);
    return store;
  }

  /** A token by which a script of this user is let in. */
  async token(name: string, user: string, scope: TokenScope = "all"): Promise<string> {
    const known = this.#tokens.get(`${name} ${user} ${scope}`);
    if (known !== undefined) return known;
    const secret = newSecret("token");
    this.#tokens.set(`${name} ${user} ${scope}`, secret);
    const store = this.stores.get(name);
    const token = { hash: hashOf(secret), scope, added_at: this.#now() };
    await store?.update(`members/${user}`, (old) => ({
      ...(old ?? { user, added_at: this.#now(), machines: {} }),
      tokens: { ...Object(old?.tokens), [`script-${scope}`]: token },
    }));
    this.gates.get(name)?.refresh();
    return secret;
  }

  /** Lets this user's programs in, as `agent-relay serve` does. */
  note(folder: string): void {
    noteServing(folder, "127.0.0.1", this.port, this.local);
  }

  async fetch(name: string, request: string, secret: string, session: string, init: RequestInit = {}) {
    const headers = new Headers(init.headers);
    headers.set("Authorization", `Bearer ${secret}`);
    headers.set("Agent-Relay-Session", session);
    return fetch(`${this.origin}/${name}${request}`, { ...init, headers });
  }

  async end(): Promise<void> {
    await this.#listening?.end();
  }

  get host(): RelayServer | undefined {
    return this.#host;
  }
}
