import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RelayError } from "../../src/errors.ts";
import { bundledLibrary, Ground, within } from "../support/relay-with-mail.ts";

const { NOON } = Ground;

let ground: Ground;
let base = "";
let root = "";

beforeEach(async () => {
  ground = await Ground.make();
  ({ base, root } = ground);
  fs.mkdirSync(path.join(base, "outside"));
  fs.writeFileSync(
    path.join(base, "outside", "secret.json"),
    '{"id": "secret", "session_id": "bob", "content": "secret"}',
  );
});

afterEach(() => ground.remove());

const as = (session: string) => ground.as(session);

/** Everything outside the relay, which nothing may touch. */
function outside(): unknown[] {
  const files = fs
    .readdirSync(base, { recursive: true, encoding: "utf8" })
    .filter((file) => !file.startsWith("project/.relay"));
  return files
    .sort()
    .map((file) => [file, fs.statSync(path.join(base, file)).mtimeMs, fs.statSync(path.join(base, file)).size]);
}

async function shownTo(session: string): Promise<string[]> {
  const { items } = await within(as(session).inbox({ limit: 100 }));
  return items.map((item) => item.message.content);
}

function quarantined(): string[] {
  const folder = path.join(root, "quarantine");
  return fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => name.endsWith(".reason")) : [];
}

/** What may stand where a record belongs. */
const corpus: Record<string, (file: string) => void> = {
  "an empty file": (file) => fs.writeFileSync(file, ""),
  "half a record": (file) => fs.writeFileSync(file, '{"id": "bad", "content": "ha'),
  "a file full of NUL": (file) => fs.writeFileSync(file, Buffer.alloc(4096)),
  "wrong UTF-8": (file) => fs.writeFileSync(file, Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])),
  "a byte order mark and nonsense": (file) => fs.writeFileSync(file, "\ufeff\ufeff{}{}"),
  "50 MB": (file) => {
    fs.writeFileSync(file, "");
    fs.truncateSync(file, 50 * 1024 * 1024);
  },
  "an array": (file) => fs.writeFileSync(file, '[{"id": "bad"}]'),
  "a number": (file) => fs.writeFileSync(file, "42"),
  null: (file) => fs.writeFileSync(file, "null"),
  "an object with nothing in it": (file) => fs.writeFileSync(file, "{}"),
  "fields of wrong types": (file) =>
    fs.writeFileSync(
      file,
      '{"id": {}, "session_id": 7, "agent_id": [], "content": null, "read_by": "bob", "holder": 5, "turn": "x"}',
    ),
  "a shape of some later version": (file) => fs.writeFileSync(file, '{"v": 99, "body": {"text": "from the future"}}'),
  "a folder": (file) => fs.mkdirSync(file),
  "a folder with something in it": (file) => fs.mkdirSync(path.join(file, "deep", "deeper"), { recursive: true }),
  "a link to a file outside": (file) => fs.symlinkSync(path.join(base, "outside", "secret.json"), file),
  "a link to nothing": (file) => fs.symlinkSync(path.join(base, "outside", "nothing.json"), file),
  "a link to itself": (file) => fs.symlinkSync(file, file),
  "a pipe": (file) => execFileSync("mkfifo", [file]),
};
const kinds = Object.keys(corpus);

function put(kind: string, file: string): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.rmSync(file, { recursive: true, force: true });
  corpus[kind]?.(file);
}

describe("in place of a message", () => {
  test.each(kinds)("%s: the good ones are shown, and it is set aside with a reason", async (kind) => {
    put(kind, path.join(root, "messages", "bad.json"));
    fs.writeFileSync(path.join(root, "inboxes", "bob", "bad"), "");
    fs.writeFileSync(path.join(root, "inboxes", "all", "bad"), "");
    const before = outside();
    expect(await within(as("bob").messages.unreadCount())).toBe(1);
    expect(await shownTo("bob")).toEqual(["good"]);
    expect(await shownTo("cay")).toEqual([]);
    expect((await within(as("ann").messages.history())).messages.map(({ content }) => content)).toEqual(["good"]);
    await within(as("ann").send("more", { to: "bob" }));
    expect(await shownTo("bob")).toEqual(["more"]);
    expect(quarantined()).toHaveLength(1);
    const pointer = path.join(root, "inboxes", "bob", "bad");
    expect(fs.existsSync(pointer), "it may be put back").toBe(true);
    expect((await within(as("bob").inbox())).broken).toEqual(["bad"]);
    fs.rmSync(path.join(root, "quarantine"), { recursive: true });
    expect((await within(as("bob").inbox())).broken).toBeUndefined();
    expect(fs.existsSync(pointer)).toBe(false);
    expect(outside()).toEqual(before);
  });
});

describe("in place of a registration", () => {
  test.each(kinds)("%s: the others are listed and reached, and its session can register", async (kind) => {
    put(kind, path.join(root, "agents", "bad.json"));
    const before = outside();
    expect((await within(as("ann").agents.list())).map(({ session_id }) => session_id).sort()).toEqual(["ann", "bob"]);
    await within(as("ann").send("to all"));
    expect(await shownTo("bob")).toEqual(["good", "to all"]);
    expect(await within(as("ann").admin.cleanupDead())).toEqual([]);
    expect((await within(as("bad").agents.register())).session_id).toBe("bad");
    expect(await shownTo("bad")).toEqual(["to all"]);
    expect(outside()).toEqual(before);
  });

  test.each(kinds)("%s, in the archive: an unknown recipient is still `not_found`", async (kind) => {
    put(kind, path.join(root, "archive", "agents", "bad.json"));
    await expect(within(as("ann").send("x", { to: "nobody" }))).rejects.toMatchObject({ code: "not_found" });
    expect((await within(as("ann").send("x", { to: "bo" }))).recipients).toMatchObject([{ session_id: "bob" }]);
  });
});

describe("in place of a name", () => {
  test.each(kinds)("%s: the name can be taken", async (kind) => {
    put(kind, path.join(root, "names", "otter.json"));
    const before = outside();
    expect((await within(as("cay").agents.register({ name: "otter" }))).name).toBe("otter");
    expect(await within(as("ann").agents.resolve("otter"))).toBe("cay");
    expect(outside()).toEqual(before);
  });
});

describe("in place of the lease to show", () => {
  test.each(kinds)("%s: the mail is shown all the same", async (kind) => {
    put(kind, path.join(root, "shows", "bob.json"));
    const before = outside();
    expect(await shownTo("bob")).toEqual(["good"]);
    await within(as("ann").send("more", { to: "bob" }));
    expect(await shownTo("bob")).toEqual(["more"]);
    expect(outside()).toEqual(before);
  });
});

describe("in place of relay.json", () => {
  test.each(kinds)("%s: the mail is shown all the same, and the relay is not trusted", async (kind) => {
    put(kind, path.join(root, "relay.json"));
    const before = outside();
    expect(await within(as("bob").admin.isTrusted().catch(codeOf))).not.toBe(true);
    expect(await shownTo("bob")).toEqual(["good"]);
    await within(as("ann").send("more", { to: "bob" }));
    expect(await shownTo("bob")).toEqual(["more"]);
    expect(await within(as("bob").admin.isTrusted().catch(codeOf))).not.toBe(true);
    expect(outside()).toEqual(before);
  });
});

describe("in place of a pointer", () => {
  test.each(kinds)("%s: the good ones are shown, and counted", async (kind) => {
    put(kind, path.join(root, "inboxes", "bob", "msg-000000000aaaaaaaaaaaa"));
    put(kind, path.join(root, "inboxes", "bob", "open", "msg-000000000aaaaaaaaaaab"));
    const before = outside();
    expect(await within(as("bob").messages.unreadCount())).toBe(1);
    expect(await shownTo("bob")).toEqual(["good"]);
    expect(await within(as("bob").messages.unreadCount())).toBe(0);
    expect(outside()).toEqual(before);
  });
});

describe("in place of a mark", () => {
  test.each(kinds)("%s, for life, rate, and last message: a session looks and sends on", async (kind) => {
    for (const mark of ["seen", "sent", "rate"]) put(kind, path.join(root, "agents", `bob.${mark}`));
    for (const stamp of ["foreign-look", "foreign-seen"]) put(kind, path.join(root, "stamps", stamp));
    const before = outside();
    expect(await shownTo("bob")).toEqual(["good"]);
    await within(as("bob").send("back", { to: "ann" }));
    expect(await shownTo("ann")).toEqual(["back"]);
    expect(outside()).toEqual(before);
  });
});

async function codeOf(error: unknown): Promise<string> {
  if (error instanceof RelayError) return error.code;
  throw error;
}

describe("files that this user may not read", () => {
  test("a record of mode 000 was set aside as broken: it is passed over, told of, counted, and stays as it is", () => {
    const bundle = bundledLibrary(base);
    const script = `
      const fs = require("node:fs");
      const { Relay } = require(${JSON.stringify(bundle)});
      const root = process.argv[1] + "/.relay";
      let clock = ${NOON};
      const notices = [];
      const onNotice = ({ text }) => notices.push(text.replace(root + "/", ""));
      const as = (session) => new Relay(root, { session, now: () => clock, onNotice });
      (async () => {
        await as("bob").agents.register();
        await as("ann").send("good", { to: "bob" });
        const { id } = await as("ann").send("closed", { to: "bob" });
        await as("ann").claim("src");
        const { id: task } = await as("ann").tasks.add("closed");
        await as("ann").tasks.add("good");
        const closed = ["messages/" + id, "agents/bad", "archive/agents/bad", "tasks/" + task, "waits/wait-1", "decisions/decision-1"];
        for (const key of closed) {
          fs.mkdirSync(root + "/" + key.slice(0, key.lastIndexOf("/")), { recursive: true });
          fs.writeFileSync(root + "/" + key + ".json", fs.existsSync(root + "/" + key + ".json") ? fs.readFileSync(root + "/" + key + ".json") : "{}", { mode: 0 });
          fs.chmodSync(root + "/" + key + ".json", 0);
        }
        clock += 61000;
        const bob = as("bob");
        const unread = await bob.messages.unreadCount();
        const inbox = await bob.inbox();
        const seen = {
          unread, shown: inbox.items.map((item) => item.message.content), more: inbox.more,
          agents: (await bob.agents.list()).map((agent) => agent.session_id).sort(),
          tasks: (await bob.tasks.list()).tasks.map((each) => each.title),
          history: (await bob.messages.history()).messages.map((each) => each.content),
          decisions: (await bob.decisions.list()).length, waits: (await bob.waits.list()).length,
          gc: (await bob.admin.gc()).length, dump: (await bob.admin.dump()).messages.length,
        };
        fs.chmodSync(root + "/claims/live.json", 0);
        const failing = {};
        const verbs = {
          claims: () => bob.claims.list(), releaseAll: () => bob.claims.releaseAll(),
          claim: () => bob.claim("src"), check: () => bob.claims.check("src"),
        };
        for (const verb of Object.keys(verbs)) failing[verb] = await verbs[verb]().then(() => "done", (error) => error.code);
        const kept = [...closed, "claims/live"].every((key) => fs.existsSync(root + "/" + key + ".json"));
        const quarantine = fs.existsSync(root + "/quarantine") ? fs.readdirSync(root + "/quarantine") : [];
        for (const key of [...closed, "claims/live"]) fs.chmodSync(root + "/" + key + ".json", 0o600);
        const after = (await as("bob").inbox()).items.map((item) => item.message.content);
        console.log(JSON.stringify({ seen, failing, kept, quarantine, after, told: [...new Set(notices)].length }));
      })();`;
    const home = path.join(base, "home");
    fs.mkdirSync(home);
    fs.chmodSync(base, 0o755);
    const isRoot = process.getuid?.() === 0;
    if (isRoot) fs.chownSync(home, 65534, 65534);
    const who = isRoot ? { uid: 65534, gid: 65534 } : {};
    const said = execFileSync(process.execPath, ["-e", script, home], { encoding: "utf8", cwd: home, env: {}, ...who });
    expect(JSON.parse(said)).toEqual({
      seen: {
        ...{ unread: 2, shown: ["good"], more: 1, agents: ["ann", "bob"], tasks: ["good"], history: ["good"] },
        ...{ decisions: 0, waits: 0, gc: 0, dump: 1 },
      },
      failing: { claims: "refused", releaseAll: "refused", claim: "refused", check: "refused" },
      kept: true,
      quarantine: [],
      after: ["closed"],
      told: 6,
    });
  });
});
