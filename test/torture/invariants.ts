import fs from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { type Message, Relay } from "../../dist/index.js";

export const LEASE = 5000; // ms; the lease of a lock and of a showing

/** A relay as a process that comes afterwards opens it. What it writes itself need not last. */
export function relayOf(dir: string, session: string, now: () => number = Date.now): Relay {
  return new Relay(dir, { session, now, durability: "process" });
}

/** Runs `call`, which nothing may hold up for longer than one lease. */
export async function within<T>(call: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await call();
  expect(performance.now() - start, "nothing blocks longer than one lease").toBeLessThan(LEASE);
  return result;
}

/** Every record that a reader could meet is whole, but for those in the folders `except`. */
export function expectWhole(dir: string, except: readonly string[] = []): void {
  if (!fs.existsSync(dir)) return;
  const isExcepted = (entry: string) => except.some((folder) => entry.startsWith(folder));
  for (const entry of fs.readdirSync(dir, { recursive: true, encoding: "utf8" })) {
    if (!entry.endsWith(".json") || /^(drafts|quarantine)\//.test(entry) || isExcepted(entry)) continue;
    const text = fs.readFileSync(path.join(dir, entry), "utf8");
    expect(() => JSON.parse(text), `${entry} is whole`).not.toThrow();
  }
  expect(
    listed(dir, "quarantine").filter((entry) => !isExcepted(entry)),
    "nothing had to be set aside",
  ).toEqual([]);
}

export function listed(dir: string, folder: string): string[] {
  const at = path.join(dir, folder);
  return fs.existsSync(at) ? fs.readdirSync(at) : [];
}

/** The records in a folder, as anyone can read them. */
export function records(dir: string, folder: string): Record<string, unknown>[] {
  return listed(dir, folder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => JSON.parse(fs.readFileSync(path.join(dir, folder, name), "utf8")) as Record<string, unknown>);
}

/** Shows a session all that it has not been shown yet. */
export async function readAll(dir: string, session: string): Promise<Message[]> {
  const { items, more } = await within(() => relayOf(dir, session).inbox({ limit: 1000 }));
  expect(more).toBe(0);
  return items.filter((item) => item.is_new).map((item) => item.message);
}

/** The texts that a first look shows, sorted. A second look shows none of them again. */
export async function readAllTwice(dir: string, session: string): Promise<string[]> {
  const first = await readAll(dir, session);
  expect(await readAll(dir, session), "each is shown once").toEqual([]);
  return first.map((message) => message.content).sort();
}

/** Whether a message still asks something of a session. */
export async function isOpenFor(dir: string, session: string, content: string): Promise<boolean> {
  const { items } = await within(() => relayOf(dir, session).inbox({ limit: 1000, peek: true }));
  return items.some((item) => item.is_open && item.message.content === content);
}
