import fs from "node:fs";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import pkg from "../../package.json" with { type: "json" };
import type { Message } from "../../src/messages/message.ts";
import { openApi } from "../../src/server/openapi.ts";
import { API_ROUTES } from "../../src/server/routes.ts";
import { FileStore } from "../../src/store/file/file-store.ts";
import { tempDir } from "../support/cli.ts";
import { World } from "../support/http-relay.ts";

const FILE = path.resolve(import.meta.dirname, "../../openapi.json");

interface Document {
  readonly paths: Record<
    string,
    Record<string, { responses: Record<string, { content: Record<string, { schema: object }> }> }>
  >;
  readonly components: { readonly schemas: Record<string, object> };
}

/** A person with curl, let in by a token. */
class Curl {
  readonly world: World;
  readonly secret: string;
  readonly session: string;
  constructor(world: World, secret: string, session: string) {
    this.world = world;
    this.secret = secret;
    this.session = session;
  }

  async ask(method: string, request: string, body?: object, headers: Record<string, string> = {}) {
    const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
    const response = await this.world.fetch("shop", request, this.secret, this.session, init);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }
}

async function shop() {
  const dir = `${tempDir()}/.relay`;
  const world = await World.serve({ shop: dir });
  const as = async (user: string) => new Curl(world, await world.token("shop", user), user);
  return { world, dir, as, ann: await as("ann"), bob: await as("bob") };
}

test("the OpenAPI file is what the server says of itself", () => {
  const said: unknown = JSON.parse(JSON.stringify(openApi(pkg.version)));
  if (process.env.UPDATE_OPENAPI) fs.writeFileSync(FILE, JSON.stringify(said, null, 2));
  expect(JSON.parse(fs.readFileSync(FILE, "utf8"))).toEqual(said);
});

test("every plain route answers what the OpenAPI file says, and errors with a code where a field is wrong", async () => {
  const { ann, bob } = await shop();
  const document = JSON.parse(JSON.stringify(openApi(pkg.version))) as Document;
  await bob.ask("POST", "/agents", { name: "bobby" });
  const [id, question, left] = await Promise.all(
    ["one", "two", "three"].map(
      async (content) => (await ann.ask("POST", "/messages", { content, to: "bob" })).body.id,
    ),
  );
  const asked: Record<string, [Curl, string, object?]> = {
    "get /agents": [ann, "/agents"],
    "post /agents": [ann, "/agents", { role: "reviewer" }],
    "delete /agents": [ann, "/agents"],
    "get /inbox": [bob, "/inbox?limit=2"],
    "post /inbox/read": [bob, "/inbox/read", { ids: [id] }],
    "get /unread": [bob, "/unread"],
    "post /messages": [ann, "/messages", { content: "hello", to: ["bobby"], kind: "question" }],
    "get /messages/{id}": [bob, `/messages/${id}`],
    "post /messages/{id}/ack": [bob, `/messages/${question}/ack`],
    "post /messages/{id}/reply": [bob, `/messages/${left}/reply`, { content: "yes" }],
    "get /threads/{id}": [bob, `/threads/${left}`],
    "get /history": [bob, "/history"],
    "post /claims": [bob, "/claims", { paths: ["src/a.ts"], reason: "mending", ttl: "10m" }],
    "get /claims": [ann, "/claims"],
    "post /tasks": [ann, "/tasks", { title: "Parse the header" }],
    "get /tasks": [ann, "/tasks"],
    "get /status": [ann, "/status"],
    "get /activity": [bob, "/activity"],
    "delete /claims": [bob, "/claims"],
  };
  expect(Object.keys(asked).sort()).toEqual(API_ROUTES.map(({ method, path }) => `${method} ${path}`).sort());
  for (const [route, [who, request, body]] of Object.entries(asked)) {
    const [method = "", name = ""] = route.split(" ");
    if (route === "delete /agents") continue; // last, below
    const answer = await who.ask(method.toUpperCase(), request, body);
    const responses = document.paths[name]?.[method]?.responses ?? {};
    const expected = Object.keys(responses).find((status) => status.startsWith("2"));
    expect({ route, status: String(answer.status) }).toEqual({ route, status: expected });
    check(document, responses[expected ?? ""]?.content["application/json"]?.schema, answer.body);
    const wrong = await who.ask(
      method.toUpperCase(),
      `${request}${request.includes("?") ? "&" : "?"}nonsense=1`,
      body && { ...body, nonsense: 1 },
    );
    expect({ route, status: wrong.status }).toEqual({ route, status: 400 });
    check(document, { $ref: "#/components/schemas/Error" }, wrong.body);
  }
  expect((await ann.ask("DELETE", "/agents")).status).toBe(200);
  expect((await ann.ask("DELETE", "/agents")).status).toBe(404);
});

function check(document: Document, schema: object | undefined, value: unknown): void {
  const whole = { ...schema, $defs: document.components.schemas };
  const json = JSON.stringify(whole).replaceAll("#/components/schemas/", "#/$defs/");
  z.fromJSONSchema(JSON.parse(json)).parse(value);
}

describe("a message that is sent again with the same word", () => {
  test("is one message, whoever else uses that word", async () => {
    const { ann, bob } = await shop();
    await bob.ask("POST", "/agents");
    const send = (who: Curl, word: string) =>
      who.ask("POST", "/messages", { content: "once", to: who === ann ? "bob" : "all" }, { "Idempotency-Key": word });
    const [first, second] = await Promise.all([send(ann, "w1"), send(ann, "w1")]);
    expect(second.body).toEqual(first.body);
    expect((await send(bob, "w1")).body.id).not.toBe(first.body.id);
    expect((await send(ann, "w2")).body.id).not.toBe(first.body.id);
    expect((await bob.ask("GET", "/unread")).body).toEqual({ unread: 2 });
  });

  test("is one message also when the server was started anew in between", async () => {
    const { world, dir, ann, bob } = await shop();
    await bob.ask("POST", "/agents");
    const body = { content: "once", to: "bob" };
    const first = await ann.ask("POST", "/messages", body, { "Idempotency-Key": "w" });
    await world.end();
    const next = await World.serve({ shop: dir });
    const [again, reader] = [ann, bob].map((one) => new Curl(next, one.secret, one.session));
    const second = await again?.ask("POST", "/messages", body, { "Idempotency-Key": "w" });
    expect(second?.body.id).toBe(first.body.id);
    expect((await reader?.ask("GET", "/unread"))?.body).toEqual({ unread: 1 });
  });
});

test("a stream tells of what waits and of what comes, and goes on after the one that was seen last", async () => {
  const { world, ann, bob } = await shop();
  await bob.ask("POST", "/agents");
  const send = async (content: string) => (await ann.ask("POST", "/messages", { content, to: "bob" })).body.id;
  const first = await send("first");
  const stream = await eventsOf(world, bob);
  expect(await stream.message()).toMatchObject({ id: first });
  const second = await send("second");
  expect(await stream.message()).toMatchObject({ id: second });
  await stream.end();
  const third = await send("third");
  const resumed = await eventsOf(world, bob, String(second));
  expect(await resumed.message()).toMatchObject({ id: third, content: "third" });
  await resumed.end();
  expect((await bob.ask("GET", "/unread")).body).toEqual({ unread: 3 });
});

test("each message made every open stream read all that was unread in its inbox anew", async () => {
  const dir = `${tempDir()}/.relay`;
  const reads: string[] = [];
  class Noting extends FileStore {
    override async get(key: string) {
      if (key.startsWith("messages/")) reads.push(key);
      return super.get(key);
    }
  }
  const world = new World();
  world.add("shop", new Noting(dir, { durability: "process" }));
  await world.start();
  onTestFinished(() => world.end());
  const readers = await Promise.all(
    ["r1", "r2", "r3"].map(async (user) => new Curl(world, await world.token("shop", user), user)),
  );
  for (const reader of readers) await reader.ask("POST", "/agents");
  const ann = new Curl(world, await world.token("shop", "ann"), "ann");
  const waiting = 40;
  for (let n = 0; n < waiting; n++) await ann.ask("POST", "/messages", { content: `old ${n}` });
  const streams = await Promise.all(readers.map((reader) => eventsOf(world, reader)));
  for (const stream of streams) for (let n = 0; n < waiting; n++) await stream.message();
  reads.length = 0;
  const { id } = (await ann.ask("POST", "/messages", { content: "new" })).body;
  for (const stream of streams) expect(await stream.message()).toMatchObject({ id });
  expect(new Set(reads)).toEqual(new Set([`messages/${id}`]));
  for (const stream of streams) await stream.end();
});

async function eventsOf(world: World, { secret, session }: Curl, last?: string) {
  const headers = last === undefined ? {} : { "Last-Event-ID": last };
  const response = await world.fetch("shop", "/events", secret, session, { headers });
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let text = "";
  return {
    async message(): Promise<Message> {
      for (;;) {
        const found = /event: message\ndata: (.*)\nid: .*\n\n/.exec(text);
        if (found) {
          text = text.slice(found.index + found[0].length);
          return JSON.parse(found[1] ?? "");
        }
        const { value, done } = await reader.read();
        if (done) throw new Error(`the stream has ended: ${text}`);
        text += new TextDecoder().decode(value);
      }
    },
    end: () => reader.cancel(),
  };
}

test("health is told to anybody, and only while the store can be written; metrics to who is let in", async () => {
  const dir = `${tempDir()}/.relay`;
  const world = new World();
  let isBroken = false;
  const files = new FileStore(dir, { durability: "process" });
  await files.create("relay", { format: 2, id: "relay-x", created_at: "" });
  world.add(
    "shop",
    new Proxy(files, {
      get(_, name) {
        if (isBroken && name === "update") return () => Promise.reject(new Error("EIO"));
        const found: unknown = Reflect.get(files, name);
        return typeof found === "function" ? found.bind(files) : found;
      },
    }),
  );
  await world.start();
  const health = async () => (await fetch(`${world.origin}/health`)).status;
  expect(await health()).toBe(200);
  isBroken = true;
  await expect.poll(health).toBe(503);
  expect((await fetch(`${world.origin}/metrics`)).status).toBe(401);
  const { secret } = { secret: world.local };
  const metrics = await (await world.fetch("shop", "/metrics", secret, "ann")).text();
  expect(metrics).toMatch(/^agent_relay_requests_total\{method="GET",status="200"\} \d+$/m);
  expect(metrics).toMatch(/^agent_relay_request_seconds_bucket\{le="\+Inf"\} \d+$/m);
  await world.end();
});
