import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, type TestContext, test } from "vitest";
import { makeFolders } from "../../src/folders.ts";
import { Relay } from "../../src/relay.ts";
import { Story } from "../support/cli.ts";
import { bundledLibrary } from "../support/relay-with-mail.ts";

const NOON = Date.parse("2026-03-01T12:00:00.000Z");
const isRoot = process.getuid?.() === 0;

let base = "";
let clock = NOON;
let mounted: string[] = [];

beforeEach(() => {
  base = fs.mkdtempSync(path.join(os.tmpdir(), "relay-full-"));
  clock = NOON;
});

afterEach(() => {
  for (const at of mounted) execFileSync("umount", ["--lazy", at]);
  mounted = [];
  fs.rmSync(base, { recursive: true, force: true });
});

/** Mounts something at `at` until the test is over, or skips the test and says so. */
/** The drafts that a writer has left behind. What receipts were written together with stays for a while. */
function unfinished(root: string): string[] {
  return fs.readdirSync(path.join(root, "drafts")).filter((name) => !name.startsWith("together-"));
}

function mount(context: TestContext, at: string, ...options: string[]): void {
  try {
    execFileSync("mount", [...options, at], { stdio: "pipe" });
  } catch {
    console.log(`skipped, because this user may mount nothing here: ${context.task.name}`);
    context.skip("this user may mount nothing here");
  }
  mounted.push(at);
}

/** A small disk of its own, with a place for a relay in it. */
function disk(context: TestContext, options: string): string {
  mount(context, base, "-t", "tmpfs", "-o", options, "tmpfs");
  return path.join(base, "project", ".relay");
}

function relay(root: string, session: string): Relay {
  return new Relay(root, { session, agent: "claude", now: () => clock });
}

/** Two sessions; bob has one message and one question unread. Returns the question's id. */
async function begin(root: string): Promise<string> {
  await relay(root, "ann").agents.register({ name: "ann" });
  await relay(root, "bob").agents.register({ name: "bob" });
  await relay(root, "ann").send("good", { to: "bob" });
  const { id } = await relay(root, "ann").send("well?", { to: "bob", kind: "question" });
  await relay(root, "bob").messages.unread();
  return id;
}

/** Every record, byte for byte, and what every inbox lists. */
function content(root: string): Record<string, string> {
  const files = fs.readdirSync(root, { recursive: true, encoding: "utf8" }).sort();
  const kept = files.filter((file) => file.endsWith(".json") || /^(inboxes|drafts|locks)\//.test(file));
  const read = (file: string) => (fs.statSync(file).isFile() ? fs.readFileSync(file, "utf8") : "");
  return Object.fromEntries(kept.map((file) => [file, read(path.join(root, file))]));
}

/** Every write fails with `code` and changes nothing; every read works. */
async function expectOnlyReads(root: string, question: string, code: string): Promise<void> {
  const before = content(root);
  const writes: Record<string, () => Promise<unknown>> = {
    "send to one": () => relay(root, "ann").send("lost", { to: "bob" }),
    "send to all": () => relay(root, "ann").send("lost"),
    reply: () => relay(root, "bob").reply(question, "lost"),
    register: () => relay(root, "cay").agents.register({ name: "cay" }),
    ack: () => relay(root, "bob").messages.ack(question),
    withdraw: () => relay(root, "ann").messages.withdraw(question),
    inbox: () => relay(root, "bob").inbox(),
    heartbeat: () => relay(root, "ann").agents.heartbeat(),
    unregister: () => relay(root, "ann").agents.unregister(),
  };
  for (const [what, write] of Object.entries(writes)) await expect(write(), what).rejects.toMatchObject({ code });
  expect(content(root)).toEqual(before);
  clock += 61_000; // a look for foreign messages is due again
  expect((await relay(root, "bob").messages.unread()).messages.map((message) => message.content)).toEqual([
    "good",
    "well?",
  ]);
  expect(await relay(root, "bob").messages.unreadCount()).toBe(2);
  expect((await relay(root, "bob").inbox({ peek: true })).items).toHaveLength(2);
  expect((await relay(root, "bob").messages.history()).messages).toHaveLength(2);
  expect(await relay(root, "bob").agents.list()).toHaveLength(2);
  expect(content(root)).toEqual(before);
}

/** Everything works again, and nothing that failed is heard of. */
async function expectRecovery(root: string, question: string): Promise<void> {
  await relay(root, "ann").send("later", { to: "bob" });
  const { items } = await relay(root, "bob").inbox();
  expect(items.map((item) => item.message.content)).toEqual(["good", "well?", "later"]);
  await relay(root, "bob").messages.ack(question);
  expect(await relay(root, "bob").messages.unreadCount()).toBe(0);
  expect((await relay(root, "cay").agents.register({ name: "cay" })).name).toBe("cay");
  expect([unfinished(root), fs.readdirSync(path.join(root, "locks"))]).toEqual([[], []]);
}

/** Writes files until the disk takes no more; their number, size by size, down to one byte. */
function fill(disk: string, sizes: readonly number[]): void {
  let count = 0;
  for (const size of sizes)
    try {
      for (;;) fs.writeFileSync(path.join(disk, `filler${count++}`), Buffer.alloc(size));
    } catch {} // full
}

function free(disk: string): void {
  for (const name of fs.readdirSync(disk)) if (name.startsWith("filler")) fs.rmSync(path.join(disk, name));
}

describe("a disk", () => {
  const disks: readonly (readonly [string, string, readonly number[]])[] = [
    ["without a byte left", "size=1m,nr_inodes=4k", [65_536, 4096, 1]],
    ["without an inode left", "size=4m,nr_inodes=300", [0]],
  ];

  test.for(disks)(
    "%s: writes say `limit` and change nothing, reads work, and it recovers by itself",
    async ([, options, sizes], context) => {
      const root = disk(context, options);
      const question = await begin(root);
      fill(base, sizes);
      await expectOnlyReads(root, question, "limit");
      free(base);
      await expectRecovery(root, question);
    },
  );

  test.for(disks)("%s: doctor said that the disk is ok", async ([, options, sizes], context) => {
    const root = disk(context, options);
    await begin(root);
    const story = new Story(path.dirname(root));
    expect((await story.as("ann", "doctor")).out).toContain("disk: ok\n");
    fill(base, sizes);
    expect((await story.as("ann", "doctor")).out).toMatch(
      /\.relay is on a disk without an? \w+ left: .*: free some space/,
    );
  });

  test.for(disks)(
    "%s, from the first moment: no half relay is left that would stop the next try",
    async ([, options, sizes], context) => {
      const root = disk(context, options);
      fill(base, sizes);
      await expect(relay(root, "ann").agents.register()).rejects.toMatchObject({ code: "limit" });
      free(base);
      const question = await begin(root);
      await expectRecovery(root, question);
      expect(await relay(root, "ann").admin.isTrusted()).toBe(true);
    },
  );

  test("that has room for only a part of a send leaves the message sent or not at all", async (context) => {
    const root = disk(context, "size=4m,nr_inodes=400");
    await begin(root);
    fill(base, [0]);
    const fillers = fs.readdirSync(base).filter((name) => name.startsWith("filler"));
    for (let room = 0; room < 8; room++) {
      const before = await relay(root, "bob").messages.unreadCount();
      const sent = await relay(root, "ann")
        .send(`room for ${room}`, { to: "bob" })
        .then(
          () => 1,
          () => 0,
        );
      expect(await relay(root, "bob").messages.unreadCount(), `room for ${room}`).toBe(before + sent);
      expect(unfinished(root)).toEqual([]);
      const [filler] = fillers.splice(0, 1);
      if (filler !== undefined) fs.rmSync(path.join(base, filler));
    }
  });
});

describe("a folder that may not be written", () => {
  test.runIf(isRoot)(
    "a read-only file system: every write says `refused`, reading works, and it recovers by itself",
    async (context) => {
      const root = path.join(base, "project", ".relay");
      const question = await begin(root);
      const project = path.dirname(root);
      mount(context, project, "--bind", project);
      execFileSync("mount", ["-o", "remount,bind,ro", project]);
      await expectOnlyReads(root, question, "refused");
      expect(() => makeFolders(path.join(project, "a/b")), "Node says ENOENT").toThrow("EROFS");
      execFileSync("mount", ["-o", "remount,bind,rw", project]);
      await expectRecovery(root, question);
    },
  );

  test("a file in place of the relay is `refused` for every verb, and stays as it is", async () => {
    const root = path.join(base, ".relay");
    fs.writeFileSync(root, "mine");
    const ann = relay(root, "ann");
    const verbs = [
      () => ann.send("x"),
      () => ann.agents.register(),
      () => ann.messages.ack("m"),
      () => ann.messages.unread(),
      () => ann.agents.list(),
      () => ann.messages.history(),
    ];
    for (const verb of verbs) await expect(verb()).rejects.toMatchObject({ code: "refused" });
    expect(fs.readFileSync(root, "utf8")).toBe("mine");
  });

  test("folders of mode 500: every write says `refused`, reading works, and it recovers by itself", () => {
    const found = inChild(`
      await begin();
      const folders = ["", ...fs.readdirSync(root, { recursive: true })].filter((name) => fs.statSync(root + "/" + name).isDirectory());
      for (const name of folders) fs.chmodSync(root + "/" + name, 0o500);
      const during = await outcomes();
      for (const name of folders) fs.chmodSync(root + "/" + name, 0o700);
      return { during, after: await outcomes() };`);
    expect(found).toEqual({
      during: { send: "refused", register: "refused", ack: "refused", unread: 2, history: 2, agents: 2, same: true },
      after: { send: "done", register: "done", ack: "done", unread: 2, history: 3, agents: 3, same: false },
    });
  });

  test("a folder of mode 000 was taken for a bug of ours by some verb", () => {
    const found = inChild(`
      await begin();
      const odd = [];
      const folders = ["", ...fs.readdirSync(root, { recursive: true })].filter((name) => fs.statSync(root + "/" + name).isDirectory());
      for (const name of folders) {
        fs.chmodSync(root + "/" + name, 0);
        for (const verb of Object.keys(verbs)) {
          const outcome = await attempt(verbs[verb]);
          if (typeof outcome === "string" && !["done", "refused"].includes(outcome)) odd.push([name, verb, outcome]);
        }
        fs.chmodSync(root + "/" + name, 0o700);
      }
      return { count: folders.length, odd };`);
    expect(found).toMatchObject({ odd: [] });
    expect(Object(found).count).toBeGreaterThan(10);
  });

  test("a parent folder that may not be written: the first write says `refused`", () => {
    const found = inChild(`
      fs.mkdirSync(home + "/project", { mode: 0o500 });
      root = home + "/project/.relay";
      return attempt(() => as("ann").send("x"));`);
    expect(found).toBe("refused");
  });
});

describe("no more open files", () => {
  test.each(["a relay that is opened just then", "a relay in use"])(
    "%s: every verb says `limit`, and it recovers by itself",
    (which) => {
      const found = inChild(
        `
      const kept = {};
      if (${which === "a relay in use"}) as = (session) => (kept[session] ??= new Relay(root, { session }));
      await begin();
      const taken = [];
      try { for (;;) taken.push(fs.openSync("/dev/null")); } catch {}
      const during = {};
      for (const verb of ["send", "register", "ack", "unread", "history", "agents"]) during[verb] = await attempt(verbs[verb]);
      for (const fd of taken) fs.closeSync(fd);
      return { during, after: await outcomes(), drafts: fs.readdirSync(root + "/drafts").filter((name) => !name.startsWith("together-")) };`,
        { files: 64 },
      );
      expect(found).toEqual({
        during: { send: "limit", register: "limit", ack: "limit", unread: "limit", history: "limit", agents: "limit" },
        after: { send: "done", register: "done", ack: "done", unread: 2, history: 3, agents: 3, same: false },
        drafts: [],
      });
    },
  );
});

/** Runs a story in a process of its own, as a user without privileges, and returns what it returns. */
function inChild(story: string, options: { files?: number } = {}): unknown {
  const bundle = bundledLibrary(base);
  const script = `
    const fs = require("node:fs");
    const { Relay, RelayError } = require(${JSON.stringify(bundle)});
    const home = process.argv[1];
    let root = home + "/.relay";
    let question = "";
    let as = (session) => new Relay(root, { session });
    const attempt = (verb) => verb().then((found) => (Array.isArray(found) ? found.length : "done"), (error) => error instanceof RelayError ? error.code : String(error));
    const verbs = {
      send: () => as("ann").send("more", { to: "bob" }), register: () => as("cay").agents.register({ name: "cay" }), ack: () => as("bob").messages.ack(question),
      unread: async () => (await as("bob").messages.unread()).messages, history: async () => (await as("bob").messages.history()).messages, agents: () => as("ann").agents.list(),
    };
    const begin = async () => {
      await as("ann").agents.register(); await as("bob").agents.register();
      await as("ann").send("good", { to: "bob" });
      question = (await as("ann").send("well?", { to: "bob", kind: "question" })).id;
      await as("bob").messages.unread();
    };
    const content = () => fs.readdirSync(root, { recursive: true }).filter((name) => name.endsWith(".json")).sort().map((name) => name + fs.readFileSync(root + "/" + name)).join();
    const outcomes = async () => {
      const before = content();
      const found = {};
      for (const verb of Object.keys(verbs)) found[verb] = await attempt(verbs[verb]);
      return { ...found, same: content() === before };
    };
    (async () => { ${story} })().then((found) => console.log(JSON.stringify(found)));`;
  const home = path.join(base, "home");
  fs.mkdirSync(home);
  fs.chmodSync(base, 0o755);
  if (isRoot) fs.chownSync(home, 65534, 65534);
  const command = `ulimit -n ${options.files ?? 1024}; exec "$0" -e "$1" "$2"`;
  const said = execFileSync("sh", ["-c", command, process.execPath, script, home], {
    ...{ encoding: "utf8", cwd: home, env: {} },
    ...(isRoot ? { uid: 65534, gid: 65534 } : {}),
  });
  return JSON.parse(String(said));
}
