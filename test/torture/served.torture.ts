import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { RelayError } from "../../src/errors.ts";
import { Relay } from "../../src/index.ts";
import { COMMAND } from "../support/paths.ts";

const SENDERS = 4;
const MESSAGES = 60; // of each
const READERS = ["r0", "r1"];
const KILLS = 12;

/** A server on one port, which is killed and started again while others use it. */
class Server {
  readonly home = fs.mkdtempSync(path.join(os.tmpdir(), "relay-served-"));
  readonly port: number;
  #child: ChildProcess | undefined;

  constructor(port: number) {
    this.port = port;
    onTestFinished(() => {
      this.#child?.kill("SIGKILL");
      fs.rmSync(this.home, { recursive: true, force: true });
    });
  }

  async start(): Promise<void> {
    const env = { PATH: process.env.PATH, HOME: this.home, USER: "ann" };
    const child = spawn(process.execPath, [COMMAND, "serve", "--port", String(this.port)], { cwd: this.home, env });
    this.#child = child;
    await Promise.race([once(child.stdout as NodeJS.ReadableStream, "data"), once(child, "exit")]);
    expect(child.exitCode).toBeNull();
  }

  async kill(): Promise<void> {
    const child = this.#child as ChildProcess;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  open(session: string): Promise<Relay> {
    const env = { HOME: this.home, USER: "ann" };
    return Relay.open({ server: `127.0.0.1:${this.port}`, session, agent: "claude", env, cwd: this.home });
  }
}

test("a server that is killed again and again under load loses no message that was acknowledged, and shows none twice", async () => {
  const server = new Server(await freePort());
  await server.start();
  for (const reader of READERS) await (await server.open(reader)).agents.register();
  const acknowledged = new Map<string, string>(); // id -> to
  let isOver = false;

  const send = async (sender: number) => {
    const relay = await patiently(() => server.open(`s${sender}`));
    for (let number = 0; number < MESSAGES; number++) {
      const to = READERS[number % READERS.length] ?? "";
      const content = `${sender} ${number}`;
      const id = await patiently(async () => (await idOf(relay, content)) ?? (await relay.send(content, { to })).id);
      acknowledged.set(id, to);
    }
  };
  const shown = new Map<string, string[]>(READERS.map((reader) => [reader, []]));
  const failedLooks = new Set<string>(); // shown by a look that then could not be finished
  const read = async (reader: string) => {
    const relay = await patiently(() => server.open(reader));
    for (;;) {
      const wasOver = isOver;
      let seen: string[] = [];
      const show = async <T extends { message: { id: string } }>(items: readonly T[]) => {
        seen = items.map(({ message }) => message.id);
        return items;
      };
      const isDone = await relay.inbox({ limit: 20, show }).then(
        () => true,
        (error: unknown) => {
          if (!(error instanceof RelayError)) throw error;
          for (const id of seen) failedLooks.add(id);
          return false;
        },
      );
      shown.get(reader)?.push(...seen);
      if (wasOver && isDone && seen.length === 0) return;
    }
  };
  const killing = (async () => {
    for (let count = 0; count < KILLS; count++) {
      await new Promise((resolve) => setTimeout(resolve, 150 + 37 * count)); // each at another moment of the work
      await server.kill();
      await server.start();
    }
  })();
  const reading = READERS.map(read);
  await Promise.all([killing, ...Array.from({ length: SENDERS }, (_, sender) => send(sender))]);
  isOver = true;
  await Promise.all(reading);

  expect(acknowledged.size).toBe(SENDERS * MESSAGES);
  for (const reader of READERS) {
    const ids = shown.get(reader) ?? [];
    const mine = [...acknowledged].filter(([, to]) => to === reader).map(([id]) => id);
    expect(
      mine.filter((id) => !ids.includes(id)),
      "acknowledged and never shown",
    ).toEqual([]);
    const twice = ids.filter((id, index) => ids.indexOf(id) !== index && !failedLooks.has(id));
    expect(twice, "shown twice, with no look that failed").toEqual([]);
    const texts = new Set<string>();
    for (const message of (await (await server.open(reader)).messages.history({ limit: 1000 })).messages)
      if (message.to_session === reader) {
        expect(texts.has(message.content), `sent twice: ${message.content}`).toBe(false);
        texts.add(message.content);
      }
  }
});

/** A send that ended in an error may have been done, as the error says: who sends again looks before. */
async function idOf(relay: Relay, content: string): Promise<string | undefined> {
  const mine = (await relay.messages.history({ limit: 1 })).messages;
  return mine.find((message) => message.content === content)?.id;
}

/** Runs it again while the server is away for longer than a client waits of its own accord. */
async function patiently<T>(run: () => Promise<T>): Promise<T> {
  for (let tried = 0; ; tried++)
    try {
      return await run();
    } catch (error) {
      const isAway = error instanceof RelayError && ["failed", "timed_out"].includes(error.code);
      if (!isAway || tried === 50) throw error;
    }
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
