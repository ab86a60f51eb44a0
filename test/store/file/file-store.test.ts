import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { Relay } from "../../../src/relay.ts";
import { FileStore, type FileStoreOptions } from "../../../src/store/file/file-store.ts";
import { NOON } from "../../../src/testing/runner.ts";

const isRoot = process.getuid?.() === 0;

afterEach(() => {
  vi.restoreAllMocks();
});

/** A folder that is removed after the test, with a place for a relay in it. */
function place(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "relay-files-"));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  return path.join(folder, ".relay");
}

function open(root: string, options: FileStoreOptions = {}): FileStore {
  return new FileStore(root, { now: () => NOON, ...options });
}

/** Every path below a folder, sorted, folders with a slash at the end. */
function tree(folder: string): string[] {
  const entries = fs.readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)) + (entry.isDirectory() ? "/" : ""))
    .sort();
}

describe("the layout", () => {
  test("a relay on disk is the files that the design names, and nothing else", async () => {
    const root = place();
    const ann = new Relay(root, { session: "ann", agent: "claude", name: "ann", now: () => NOON });
    const bob = new Relay(root, { session: "bob", agent: "codex", name: "bob", now: () => NOON });
    await ann.agents.register();
    await bob.agents.register();
    const all = await ann.send("to all");
    const question = await ann.send("to bob?", { to: "bob", kind: "question" });
    await bob.inbox({ limit: 1 });
    const answered = await ann.send("well?", { to: "bob", kind: "question" });
    await bob.inbox({ limit: 1 });
    const found = tree(root).filter((file) => !/^(?:stamps\/|threads\/|heard\/|drafts\/together-)/.test(file));
    expect(found).toEqual(
      [
        ...[".gitignore", "README", "activity/", "activity/2026-03-01.jsonl", "relay.json"],
        ...[
          "agents/",
          "archive/",
          "archive/agents/",
          "drafts/",
          "inboxes/",
          "locks/",
          "messages/",
          "names/",
          "shows/",
          "stamps/",
          "threads/",
        ].filter((folder) => fs.existsSync(path.join(root, folder)) && !["stamps/", "threads/"].includes(folder)),
        ...[
          "agents/ann.json",
          "agents/ann.heard",
          "agents/ann.seen",
          "agents/ann.sent",
          "agents/ann.rate",
          "agents/bob.json",
          "agents/bob.heard",
          "agents/bob.seen",
        ],
        ...["names/ann.json", "names/bob.json"],
        ...[all.id, question.id, answered.id].map((id) => `messages/${id}.json`),
        ...[
          "inboxes/all/",
          `inboxes/all/${all.id}`,
          "inboxes/bob/",
          "inboxes/bob/.empty",
          "inboxes/bob/open/",
          `inboxes/bob/open/${question.id}`,
        ],
        `inboxes/bob/${answered.id}`,
      ].sort(),
    );
  });

  test("records are two-space JSON, and relay.json says format, id, time and mark", async () => {
    const root = place();
    await open(root).create("messages/m", { id: "m", list: [1] });
    expect(fs.readFileSync(`${root}/messages/m.json`, "utf8")).toBe('{\n  "id": "m",\n  "list": [\n    1\n  ]\n}');
    const text = fs.readFileSync(`${root}/relay.json`, "utf8");
    const relay = JSON.parse(text);
    expect(text).toBe(JSON.stringify(relay, null, 2));
    expect(Object.keys(relay)).toEqual(["format", "id", "created_at", "mark"]);
    expect(relay).toMatchObject({ format: 2, created_at: "2026-03-01T12:00:00.000Z" });
    expect(relay.id).toMatch(/^relay-[0-9a-z]{21}$/);
    expect(relay.mark).toMatch(/^[0-9a-f]{64}$/);
  });

  test("git ignores the whole folder, and a README says what it is", async () => {
    const root = place();
    await open(root).mark("stamps/one");
    expect(fs.readFileSync(`${root}/.gitignore`, "utf8")).toBe("*\n");
    expect(fs.readFileSync(`${root}/README`, "utf8")).toContain("deleting the folder resets it");
  });

  test("reading makes no relay, the first write does", async () => {
    const root = place();
    const store = open(root);
    expect(await store.get("messages/m")).toBeUndefined();
    expect(await store.list("messages")).toEqual([]);
    expect(await store.marks("inboxes/ann")).toEqual([]);
    expect(await store.markedAt("a/b")).toBeUndefined();
    expect(await store.unmark("a/b")).toBe(false);
    expect(fs.existsSync(root)).toBe(false);
    await store.mark("a/b");
    expect(fs.existsSync(`${root}/relay.json`)).toBe(true);
  });

  test("a relay that holds records of others is not marked as made here", async () => {
    const root = place();
    fs.mkdirSync(`${root}/messages`, { recursive: true });
    fs.writeFileSync(`${root}/messages/theirs.json`, "{}");
    await open(root).mark("a/b");
    expect(Object.keys(JSON.parse(fs.readFileSync(`${root}/relay.json`, "utf8")))).not.toContain("mark");
  });

  const writes: [string, (store: FileStore) => Promise<unknown>][] = [
    ["a record", (store) => store.create("messages/new", {})],
    ["a change", (store) => store.update("messages/new", () => ({}))],
    ["a mark", (store) => store.mark("inboxes/ann/new")],
    ["a message", (store) => store.publish("messages/new", {}, { inboxes: ["ann"] })],
  ];
  test.each(writes)(
    "after the folder was deleted under a live store, its next write, of %s, makes a whole relay",
    async (_, write) => {
      const root = place();
      const store = open(root);
      await store.publish("messages/old", {}, { inboxes: ["ann"] });
      fs.rmSync(root, { recursive: true });
      await write(store);
      expect(await store.get("messages/old")).toBeUndefined();
      expect(tree(root)).toEqual(expect.arrayContaining([".gitignore", "README", "relay.json"]));
      expect(Object.keys(JSON.parse(fs.readFileSync(`${root}/relay.json`, "utf8")))).toContain("mark");
    },
  );

  test.each([0o000, 0o022, 0o077])("folders are 0700 and files 0600 under the umask %i", async (umask) => {
    const root = place();
    const old = process.umask(umask);
    onTestFinished(() => void process.umask(old));
    const store = open(root);
    await store.publish("messages/m", {}, { inboxes: ["ann"] });
    await store.update("a/b", () => ({}));
    await store.quarantine("a/b", "to see its mode");
    const modes = tree(root).map((file) => [file, fs.statSync(path.join(root, file)).mode & 0o777]);
    expect(fs.statSync(root).mode & 0o777).toBe(0o700);
    expect(modes.filter(([file, mode]) => mode !== (String(file).endsWith("/") ? 0o700 : 0o600))).toEqual([]);
  });

  test("an update that leaves a record as it was writes no file", async () => {
    const root = place();
    const store = open(root);
    await store.create("a/b", { n: 1 });
    const before = fs.statSync(`${root}/a/b.json`);
    await store.update("a/b", (old) => old);
    expect(fs.statSync(`${root}/a/b.json`)).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs });
  });

  test("what was set aside is kept whole, beside the reason, and someone is told", async () => {
    const root = place();
    const told: string[] = [];
    const store = open(root, { onNotice: ({ key, text }) => told.push(`${key} ${text}`) });
    await store.create("a/b", { n: 1 });
    await store.quarantine("a/b", "it is odd");
    const kept = fs
      .readdirSync(`${root}/quarantine`)
      .map((name) => fs.readFileSync(`${root}/quarantine/${name}`, "utf8"));
    expect(kept.sort()).toEqual(["a/b: it is odd\n", '{\n  "n": 1\n}']);
    expect(told).toEqual([expect.stringContaining("it is odd")]);
  });
});

describe("whose it is", () => {
  test("a root that is a symbolic link is refused, also when nothing is behind it", async () => {
    const root = place();
    await open(`${root}-real`).create("a/b", {});
    fs.symlinkSync(`${root}-real`, root);
    await expect(open(root).get("a/b")).rejects.toMatchObject({ code: "refused" });
    await expect(open(root).create("a/c", {})).rejects.toMatchObject({ code: "refused" });
    fs.rmSync(`${root}-real`, { recursive: true });
    await expect(open(root).create("a/c", {})).rejects.toMatchObject({ code: "refused" });
    expect(fs.existsSync(`${root}-real`)).toBe(false);
  });

  test("a root that is a file is refused", async () => {
    const root = place();
    fs.writeFileSync(root, "mine");
    await expect(open(root).list("a")).rejects.toMatchObject({ code: "refused" });
    await expect(open(root).mark("a/b")).rejects.toMatchObject({ code: "refused" });
    expect(fs.readFileSync(root, "utf8")).toBe("mine");
  });

  const folders = [
    "messages",
    "agents",
    "drafts",
    "locks",
    "stamps",
    "quarantine",
    "inboxes",
    "inboxes/ann",
    "inboxes/all",
  ];

  test.each(folders)("a link in place of %s is not followed: nothing is written behind it", async (folder) => {
    const root = place();
    await open(root).publish("messages/first", { n: 1 }, { inboxes: ["ann", "all"] });
    fs.rmSync(`${root}/${folder}`, { recursive: true, force: true });
    fs.mkdirSync(`${root}-outside/ann`, { recursive: true });
    fs.mkdirSync(`${root}-outside/all`);
    fs.writeFileSync(`${root}-outside/bob.json`, "{}");
    fs.symlinkSync(`${root}-outside`, `${root}/${folder}`);
    fs.utimesSync(`${root}-outside`, 1, 1); // changes with each name that comes or goes
    const outside = () => [...tree(`${root}-outside`), fs.statSync(`${root}-outside`).mtimeMs];
    const before = outside();
    const store = open(root);
    const writes: (() => Promise<unknown>)[] = [
      () => store.create("messages/new", {}),
      () => store.update("messages/first", (old) => ({ ...old, n: 2 })),
      () => store.publish("messages/m", {}, { inboxes: ["ann", "all"], everyoneIn: "agents" }),
      () => store.mark("inboxes/ann/m"),
      () => store.mark("stamps/s"),
      () => store.quarantine("messages/first", "a trial"),
    ];
    const codes = await Promise.all(
      writes.map((write) =>
        write().then(
          () => "done",
          (error: { code?: string }) => error.code,
        ),
      ),
    );
    expect(outside(), String(codes)).toEqual(before);
    expect(codes.filter((code) => code !== "done" && code !== "refused")).toEqual([]);
  });

  test("a record that is a link is set aside, and what it points at is neither read nor touched", async () => {
    const root = place();
    const store = open(root);
    await store.create("messages/m", {});
    fs.writeFileSync(`${root}-secret.json`, '{"secret": true}');
    fs.symlinkSync(`${root}-secret.json`, `${root}/messages/link.json`);
    await expect(store.get("messages/link")).rejects.toMatchObject({ code: "corrupt" });
    expect(fs.existsSync(`${root}/messages/link.json`)).toBe(false);
    expect(fs.readFileSync(`${root}-secret.json`, "utf8")).toBe('{"secret": true}');
  });

  test.skipIf(!isRoot)("a folder of another user is refused, unless it is named as trusted", async () => {
    const root = place();
    await open(root).create("a/b", { n: 1 });
    fs.chownSync(root, 12345, 12345);
    await expect(open(root).get("a/b")).rejects.toMatchObject({
      code: "refused",
      message: expect.stringContaining("12345"),
    });
    await expect(open(root).create("a/c", {})).rejects.toMatchObject({ code: "refused" });
    expect(await open(root, { trusted: [root] }).get("a/b")).toEqual({ n: 1 });
    await expect(open(root, { trusted: [root] }).create("a/c", {})).rejects.toMatchObject({
      code: "refused",
      message: expect.stringContaining("you are root, and user 12345 could not read what you write"),
    });
  });

  test("a newer format is refused whole, for reading and for writing", async () => {
    const root = place();
    await open(root).create("a/b", { n: 1 });
    fs.writeFileSync(`${root}/relay.json`, '{"format": 3}');
    const before = tree(root);
    await expect(open(root).get("a/b")).rejects.toMatchObject({ code: "refused", next: "update agent-relay" });
    await expect(open(root).create("a/c", {})).rejects.toMatchObject({ code: "refused" });
    await expect(open(root).mark("a/c")).rejects.toMatchObject({ code: "refused" });
    expect(tree(root)).toEqual(before);
  });
});
