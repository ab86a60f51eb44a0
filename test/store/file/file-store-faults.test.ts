import { execFileSync } from "node:child_process";
import { EventEmitter } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { FileStore, type FileStoreOptions } from "../../../src/store/file/file-store.ts";
import type { Value } from "../../../src/store/store.ts";
import { NOON } from "../../../src/testing/runner.ts";
import { rounds } from "../../support/scale.ts";

const STRAYS = rounds(100_000);

afterEach(() => {
  vi.restoreAllMocks();
});

function place(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "relay-faults-"));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  return path.join(folder, ".relay");
}

function open(root: string, options: FileStoreOptions = {}): FileStore {
  return new FileStore(root, { now: () => NOON, ...options });
}

function systemFault(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** Records which of the calls that make a write last happen, and in which order. */
function traced(): string[] {
  const calls: string[] = [];
  const kinds = new Map<number, string>();
  const { openSync, fsyncSync, renameSync, linkSync } = fs;
  vi.spyOn(fs, "openSync").mockImplementation((file, ...rest) => {
    const fd = openSync(file, ...rest);
    kinds.set(fd, fs.fstatSync(fd).isDirectory() ? "folder" : "file");
    return fd;
  });
  vi.spyOn(fs, "fsyncSync").mockImplementation((fd) => {
    calls.push(`sync ${kinds.get(fd)}`);
    fsyncSync(fd);
  });
  vi.spyOn(fs, "renameSync").mockImplementation((from, to) => {
    calls.push("rename");
    renameSync(from, to);
  });
  vi.spyOn(fs, "linkSync").mockImplementation((from, to) => {
    if (!String(to).includes("/inboxes/")) calls.push("link"); // a pointer is not flushed, by design
    linkSync(from, to);
  });
  return calls;
}

describe("what a returned write is worth", () => {
  const writes: [string, (store: FileStore) => Promise<unknown>, string[]][] = [
    ["create", (store) => store.create("messages/new", {}), ["sync file", "link", "sync folder"]],
    ["update", (store) => store.update("messages/old", () => ({ n: 2 })), ["sync file", "rename", "sync folder"]],
    [
      "publish",
      (store) => store.publish("messages/new", {}, { inboxes: ["ann"] }),
      ["sync file", "rename", "sync folder"],
    ],
    ["removal", (store) => store.update("messages/old", () => undefined), ["rename", "sync folder"]],
  ];

  test.each(writes)(
    "%s outlives a power cut by default: the file first, then its name, then the folder",
    async (_, write, order) => {
      const store = open(place());
      await store.create("messages/old", { n: 1 });
      const calls = traced();
      await write(store);
      expect(calls).toEqual(order);
    },
  );

  test.each(writes)("%s with durability `process` waits for no disk", async (_, write, order) => {
    const store = open(place(), { durability: "process" });
    await store.create("messages/old", { n: 1 });
    const calls = traced();
    await write(store);
    expect(calls).toEqual(order.filter((call) => !call.startsWith("sync")));
  });

  test("a record that need not last waits for no disk", async () => {
    const store = open(place());
    await store.create("messages/old", { n: 1 });
    const calls = traced();
    await store.create("shows/ann", {}, { lasting: false });
    await store.update("shows/ann", () => ({ n: 1 }), { lasting: false });
    expect(calls.filter((call) => call.startsWith("sync"))).toEqual([]);
  });
});

describe("other programs and other processes", () => {
  test("a file that another program is still writing in place is waited for", async () => {
    const root = place();
    const store = open(root);
    await store.create("messages/m", {});
    fs.writeFileSync(`${root}/messages/slow.json`, '{"n": ');
    setTimeout(() => fs.writeFileSync(`${root}/messages/slow.json`, '{"n": 1}'), 15);
    expect(await store.get("messages/slow")).toEqual({ n: 1 });
    expect(fs.existsSync(`${root}/quarantine`)).toBe(false);
  });

  test("two stores on one folder see what the other wrote at once", async () => {
    const root = place();
    const [one, two] = [open(root), open(root)];
    await one.create("a/b", { n: 1 });
    expect(await two.update("a/b", (old) => ({ ...old, m: 2 }))).toEqual({ n: 1, m: 2 });
    expect(await one.get("a/b")).toEqual({ n: 1, m: 2 });
    await two.mark("a/c", NOON + 7);
    expect(await one.markedAt("a/c")).toBe(NOON + 7);
  });

  test(`${STRAYS} strays in a folder are passed over, and left where they are`, async () => {
    const root = place();
    const store = open(root);
    await store.create("messages/good", { n: 1 });
    await store.mark("messages/here");
    execFileSync("sh", ["-c", 'cd "$0" && seq -f ".stray%.0f" "$1" | xargs touch', `${root}/messages`, String(STRAYS)]);
    expect(await store.list("messages")).toEqual(["good"]);
    expect(await store.marks("messages")).toEqual(["here"]);
    expect(await store.update("messages/good", (old) => ({ ...old, n: 2 }))).toEqual({ n: 2 });
    expect(await store.publish("messages/m", {}, { inboxes: ["ann"], everyoneIn: "agents" })).toEqual(["ann"]);
    expect(fs.readdirSync(`${root}/messages`).filter((name) => name.startsWith(".stray"))).toHaveLength(STRAYS);
  });

  test("a reader that shows a message before its sender has done its last step does not make the sender fail", async () => {
    const root = place();
    const store = open(root);
    await store.create("agents/ann", {});
    const { renameSync } = fs;
    vi.spyOn(fs, "renameSync").mockImplementation((from, to) => {
      renameSync(from, to);
      if (String(to).endsWith("messages/m.json")) fs.unlinkSync(`${root}/inboxes/ann/m`);
    });
    expect(await store.publish("messages/m", { n: 1 }, { inboxes: ["ann"] })).toEqual(["ann"]);
    expect(await store.marks("inboxes/ann")).toEqual([]);
  });

  test("who registers while a message is being published has it in its inbox all the same", async () => {
    const root = place();
    const store = open(root);
    await store.create("agents/ann", {});
    const { renameSync } = fs;
    vi.spyOn(fs, "renameSync").mockImplementation((from, to) => {
      if (String(to).endsWith("messages/m.json")) fs.writeFileSync(`${root}/agents/late.json`, "{}");
      renameSync(from, to);
    });
    await store.publish("messages/m", {}, { inboxes: ["all"], everyoneIn: "agents" });
    expect(await store.marks("inboxes/late")).toEqual(["m"]);
  });

  test("a message is a draft from before its first pointer until it is there", async () => {
    const root = place();
    const store = open(root);
    await store.create("agents/ann", {});
    const seen: boolean[] = [];
    const { renameSync } = fs;
    vi.spyOn(fs, "renameSync").mockImplementation((from, to) => {
      seen.push(fs.existsSync(`${root}/inboxes/ann/m`) && fs.existsSync(`${root}/drafts/m`));
      renameSync(from, to);
    });
    await store.publish("messages/m", {}, { inboxes: ["ann"] });
    expect(seen).toEqual([true]);
    expect(await store.isDraft("messages/m")).toBe(false);
  });
});

describe("poorer file systems", () => {
  test.each(["EPERM", "ENOTSUP", "EMLINK", "EXDEV"])(
    "where a hard link fails with %s, records are created all the same, once",
    async (code) => {
      const root = place();
      vi.spyOn(fs, "linkSync").mockImplementation(() => {
        throw systemFault(code);
      });
      const tries = Array.from({ length: 10 }, (_, n) => open(root).create("a/b", { n }));
      expect((await Promise.all(tries)).filter(Boolean)).toHaveLength(1);
      expect(await open(root).create("a/b", { n: 99 })).toBe(false);
      expect(await open(root).update("a/c", () => ({ n: 1 }))).toEqual({ n: 1 });
      expect(await open(root).publish("messages/m", {}, { inboxes: ["ann"] })).toEqual(["ann"]);
      expect(JSON.parse(fs.readFileSync(`${root}/relay.json`, "utf8"))).toMatchObject({ format: 2 });
      expect([fs.readdirSync(`${root}/drafts`), fs.readdirSync(`${root}/locks`)]).toEqual([[], []]);
      expect(fs.readdirSync(root).filter((name) => name.startsWith("start-"))).toEqual([]);
    },
  );

  test.each(["ENOSPC", "EMFILE", "ENOSYS"])(
    "where the system gives no watcher (%s), a slow poll does it",
    async (code) => {
      vi.spyOn(fs, "watch").mockImplementation(() => {
        throw systemFault(code);
      });
      const store = open(place());
      const end = new AbortController();
      const watching = store.watch("inboxes/ann", end.signal)[Symbol.asyncIterator]();
      await watching.next();
      const heard = watching.next();
      await store.mark("inboxes/ann/m");
      expect((await heard).done).toBe(false);
      end.abort();
    },
  );

  test("where the system gives a watcher that tells of nothing, the look each 30 s finds that out, and then each second", async () => {
    vi.spyOn(fs, "watch").mockReturnValue(Object.assign(new EventEmitter(), { close: () => {} }) as fs.FSWatcher);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const root = place();
    const store = open(root);
    const end = new AbortController();
    onTestFinished(() => end.abort());
    const watching = store.watch("inboxes/ann", end.signal)[Symbol.asyncIterator]();
    await watching.next();
    let heard = 0;
    const listen = async () => {
      for (let next = await watching.next(); !next.done; next = await watching.next())
        if (next.value === "changed") heard++;
    };
    void listen();
    for (const [after, name] of [
      [29_999, "first"],
      [1000, "second"],
    ] as const) {
      const before = heard;
      await store.mark(`inboxes/ann/${name}`);
      fs.utimesSync(`${root}/inboxes/ann`, 1, heard + 1);
      await vi.advanceTimersByTimeAsync(after - 1);
      expect(heard).toBe(before);
      await vi.advanceTimersByTimeAsync(2);
      expect(heard).toBe(before + 1);
    }
  });

  test("a sender that was killed with its draft written can send the same again: its draft kept it from that for 10 minutes", async () => {
    const root = place();
    const store = new FileStore(root);
    await store.create("agents/ann", {});
    fs.writeFileSync(`${root}/drafts/m`, '{"half":');
    expect(await store.publish("messages/m", { text: "whole" }, { inboxes: ["ann"] })).toEqual(["ann"]);
    expect(await store.get("messages/m")).toEqual({ text: "whole" });
    expect(await store.marks("inboxes/ann")).toEqual(["m"]);
    expect(fs.readdirSync(`${root}/drafts`)).toEqual([]);
    await expect(store.publish("messages/m", { text: "other" }, { inboxes: ["ann"] })).rejects.toMatchObject({
      code: "conflict",
    });
  });

  test("a write that fails leaves no draft and no pointer", async () => {
    const root = place();
    const store = open(root);
    await store.create("messages/old", { n: 1 });
    vi.spyOn(fs, "fsyncSync").mockImplementation(() => {
      throw systemFault("EIO");
    });
    const faults = [
      store.create("messages/new", {}),
      store.update("messages/old", () => ({ n: 2 })),
      store.publish("messages/new", {}, { inboxes: ["ann"] }),
    ];
    for (const fault of faults) await expect(fault).rejects.toMatchObject({ code: "failed" });
    vi.restoreAllMocks();
    expect(await store.list("messages")).toEqual(["old"]);
    expect(await store.get("messages/old")).toEqual({ n: 1 });
    expect(await store.marks("inboxes/ann")).toEqual([]);
    expect([fs.readdirSync(`${root}/drafts`), fs.readdirSync(`${root}/locks`)]).toEqual([[], []]);
  });
});

describe("logs that something happened to", () => {
  const linesOf = async (root: string) => {
    const lines = [];
    for await (const line of open(root).lines("activity/day")) lines.push(line);
    return lines;
  };

  test("a line that a killed writer left half is counted, and spoils no other", async () => {
    const root = place();
    await open(root).append("activity/day", { n: 1 });
    fs.appendFileSync(`${root}/activity/day.jsonl`, '{"n": 2, "te');
    await open(root).append("activity/day", { n: 3 });
    fs.appendFileSync(`${root}/activity/day.jsonl`, "\n\0\0\n[1]\n{");
    expect(await linesOf(root)).toEqual([{ n: 1 }, undefined, { n: 3 }, undefined, undefined, undefined]);
  });

  test("a link, a pipe or a folder in a log's place is refused, and what it leads to is not touched", async () => {
    const root = place();
    await open(root).append("activity/day", { n: 1 });
    fs.writeFileSync(`${root}/../secret-${path.basename(root)}`, "secret");
    for (const put of [
      () => fs.symlinkSync(`${root}/../secret-${path.basename(root)}`, `${root}/activity/day.jsonl`),
      () => execFileSync("mkfifo", [`${root}/activity/day.jsonl`]),
      () => fs.mkdirSync(`${root}/activity/day.jsonl`),
    ]) {
      fs.rmSync(`${root}/activity/day.jsonl`, { recursive: true });
      put();
      await expect(open(root).append("activity/day", { n: 2 })).rejects.toMatchObject({ name: "RelayError" });
      await expect(linesOf(root)).rejects.toMatchObject({ name: "RelayError" });
    }
    expect(fs.readFileSync(`${root}/../secret-${path.basename(root)}`, "utf8")).toBe("secret");
  });

  test("a line that the disk takes a part of is an error", async () => {
    const root = place();
    await open(root).append("activity/day", { n: 1 });
    vi.spyOn(fs, "writeSync").mockImplementation(() => 3);
    await expect(open(root).append("activity/day", { n: 2 })).rejects.toMatchObject({ code: "limit" });
  });
});

describe("receipts that are written together", () => {
  const KEYS = ["messages/a", "messages/b", "messages/c"];
  const read = (old: Value | undefined) => old && { ...old, isRead: true };

  async function written() {
    const root = place();
    const store = open(root);
    for (const key of KEYS) await store.create(key, { key });
    await store.updateTogether(new Map(KEYS.map((key) => [key, read])));
    return { root, store };
  }

  test("a record that a power cut left empty, or as zeros, is taken from what was flushed with it", async () => {
    const { root, store } = await written();
    fs.truncateSync(`${root}/messages/a.json`, 0);
    fs.writeFileSync(`${root}/messages/b.json`, Buffer.alloc(20));
    for (const key of KEYS) expect(await store.get(key)).toEqual({ key, isRead: true });
    for (const key of KEYS)
      expect(JSON.parse(fs.readFileSync(`${root}/${key}.json`, "utf8"))).toEqual({ key, isRead: true });
    expect(fs.existsSync(`${root}/quarantine`)).toBe(false);
  });

  test("a record that is changed later is not taken back to what was flushed with others", async () => {
    const { root, store } = await written();
    await store.update("messages/a", (old) => old && { ...old, isAcked: true });
    await store.updateTogether(new Map(KEYS.map((key) => [key, (old) => old && { ...old, isSeen: true }])));
    fs.truncateSync(`${root}/messages/a.json`, 0);
    expect(await store.get("messages/a")).toEqual({ key: "messages/a", isRead: true, isAcked: true, isSeen: true });
  });

  test("what was flushed together goes once the system has surely written all of it", async () => {
    const { root, store } = await written();
    const [name = ""] = fs.readdirSync(`${root}/drafts`);
    fs.utimesSync(`${root}/drafts/${name}`, 1, 1);
    await store.updateTogether(new Map(KEYS.map((key) => [key, (old) => old && { ...old, again: true }])));
    expect(fs.readdirSync(`${root}/drafts`)).toHaveLength(1);
    expect(fs.readdirSync(`${root}/drafts`)).not.toContain(name);
  });
});
