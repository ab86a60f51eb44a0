import { spawnSync } from "node:child_process";
import path from "node:path";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { Relay } from "../src/index.ts";
import { Lifetime } from "../src/lifetime.ts";
import { MemoryStore } from "../src/store/memory.ts";
import { tempDir } from "./support/cli.ts";
import { ROOT } from "./support/paths.ts";

const LIBRARY = path.join(ROOT, "dist/index.js");

/** What a program prints that uses the built library; it has to end by itself. */
function program(body: string): unknown {
  const dir = tempDir();
  const text = `import { Relay } from ${JSON.stringify(LIBRARY)};
    const relay = new Relay("${dir}/.relay", { session: "me" });
    ${body}`;
  const { stdout, stderr, signal } = spawnSync(process.execPath, ["--input-type=module", "-e", text], {
    encoding: "utf8",
    timeout: 20_000,
  });
  expect({ stderr, signal }).toEqual({ stderr: "", signal: null });
  return JSON.parse(stdout);
}

test("200 waits that were true at once left 200 watchers and timers, and the program never ended", () => {
  const left = program(`
    await relay.agents.register();
    await new Relay(relay.dir, { session: "other" }).send("hello", { to: "me" });
    const before = process.getActiveResourcesInfo().length;
    for (let i = 0; i < 200; i++) await relay.wait({ message: true });
    const left = () => process.getActiveResourcesInfo().length - before;
    for (let turn = 0; turn < 1000 && left() > 0; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
    console.log(left());`);
  expect(left).toBeLessThan(1);
});

test("eleven waits on one signal of the caller made Node warn of a leak", () => {
  const found = program(`
    const { getEventListeners } = await import("node:events");
    const stop = new AbortController();
    const waits = Array.from({ length: 30 }, () => relay.wait({ message: true }, { signal: stop.signal }).catch(({ name }) => name));
    while (getEventListeners(stop.signal, "abort").length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const before = getEventListeners(stop.signal, "abort").length;
    stop.abort();
    const names = new Set(await Promise.all(waits));
    console.log(JSON.stringify([before, [...names], getEventListeners(stop.signal, "abort").length]));`);
  expect(found).toEqual([1, ["AbortError"], 0]);
});

test("close() ended no watch: one that waits, one whose reader holds a message, and a wait", () => {
  const ended = program(`
    const idle = (async () => { for await (const _ of relay.watch()); return "watch"; })();
    const waiting = relay.wait({ message: true }).catch(({ code }) => code);
    const other = new Relay(relay.dir, { session: "other" });
    await other.agents.register();
    await relay.send("hello", { to: "other" });
    const held = other.watch();
    const { value } = await held.next();
    await other.close();
    const again = new Relay(relay.dir, { session: "other" });
    const { items } = await again.inbox();
    await relay.close();
    console.log(JSON.stringify([value.content, (await held.next()).done, items[0].message.content, await idle, await waiting]));`);
  expect(ended).toEqual(["hello", true, "hello", "watch", "usage"]);
});

test("send worked after close", async () => {
  const relay = new Relay("/none/.relay", { session: "a", store: new MemoryStore() });
  await relay.send("before");
  await relay.close();
  for (const late of [
    () => relay.send("after"),
    () => relay.agents.list(),
    () => relay.tasks.add("x"),
    () => relay.admin.isTrusted(),
    () => relay.admin.trust(),
    () => relay.wait({ message: true }),
  ])
    await expect(late()).rejects.toMatchObject({ code: "usage", message: "Cannot use this Relay: it is closed" });
  await expect(relay.watch().next()).rejects.toMatchObject({ code: "usage" });
});

test("the first write left listeners of signals in its program", () => {
  const listeners = program(`
    await relay.send("hello");
    console.log(JSON.stringify(["SIGINT", "SIGTERM", "SIGHUP"].map((name) => process.listenerCount(name))));`);
  expect(listeners).toEqual([0, 0, 0]);
});

test.each(["esm", "cjs"] as const)(
  "a bundle of a program in %s died: Dynamic require is not supported",
  async (format) => {
    const dir = tempDir();
    const outfile = `${dir}/bundle.${format === "esm" ? "mjs" : "cjs"}`;
    const contents = `import { Relay } from ${JSON.stringify(LIBRARY)};
    const relay = new Relay("${dir}/.relay", { session: "me" });
    relay.send("hello").then(({ messages }) => console.log(messages.length));`;
    const stdin = { contents, resolveDir: ROOT };
    await build({ stdin, bundle: true, platform: "node", format, outfile, logLevel: "silent" });
    const { stdout, stderr } = spawnSync(process.execPath, [outfile], { encoding: "utf8" });
    expect({ stdout, stderr }).toEqual({ stdout: "1\n", stderr: "" });
  },
);

test("what runs under one signal and one owner all ends at the close", async () => {
  const life = new Lifetime();
  const outer = new AbortController();
  const over = (signal: AbortSignal) =>
    new Promise<unknown>((resolve) => signal.addEventListener("abort", () => resolve(signal.reason)));
  const running = Array.from({ length: 10 }, () => life.during(outer.signal, over));
  await life.close();
  const [reason, ...others] = new Set(await Promise.all(running));
  expect(reason).toMatchObject({ code: "usage" });
  expect(others).toEqual([]);
  expect(() => life.check()).toThrow(reason as Error);
  expect(await life.during(undefined, async (signal) => signal.reason)).toBe(reason);
});
