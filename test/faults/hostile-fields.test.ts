import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Ground, within } from "../support/relay-with-mail.ts";
import { rounds } from "../support/scale.ts";

const STRAYS = rounds(100_000);
const { NOON } = Ground;

let ground: Ground;
let base = "";
let root = "";

beforeEach(async () => {
  ground = await Ground.make();
  ({ base, root } = ground);
});

afterEach(() => ground.remove());

const as = (session: string) => ground.as(session);

function put(key: string, value: unknown): void {
  const file = path.join(root, `${key}.json`);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, typeof value === "string" ? value : JSON.stringify(value));
}

/** Puts a message there as another program would, or a stranger. */
function drop(id: string, fields: Record<string, unknown>): void {
  const plain = { id, from_session: "eve", from_agent: "x", to_session: "bob", content: id };
  put(`messages/${id}`, { ...plain, timestamp: NOON / 1000, read_by: ["eve"], ...fields });
}

async function shownTo(session: string, limit = 100): Promise<string[]> {
  const { items } = await within(as(session).inbox({ limit }));
  return items.map((item) => item.message.content).sort();
}

/** Every path beside the relay. */
function beside(): string[] {
  const files = fs.readdirSync(base, { recursive: true, encoding: "utf8" });
  return files.filter((file) => !file.startsWith("project/.relay/")).sort();
}

const NASTY = [
  "../x",
  "../../x",
  "/etc/x",
  "a/b",
  "..",
  ".",
  "",
  "con",
  "a\0b",
  "\u202e",
  "x".repeat(1_000_000),
  "__proto__",
  "open",
  "all",
];
const short = NASTY.map((word) => [word.length > 20 ? `${word.slice(0, 3)}... (1 MB)` : word, word]);

describe("a message that says something nasty of itself", () => {
  for (const field of ["to_session", "from_session", "id", "thread", "reply_to", "sent_at", "expires_at"])
    test.each(short)(
      `${field} %j: everyone's good messages are shown, and nothing beside the relay is touched`,
      async (_, word) => {
        drop("foreign-1", { [field]: word });
        const before = beside();
        expect(await shownTo("bob")).toContain("good");
        expect(await within(as("bob").messages.unreadCount())).toBe(0);
        expect(await shownTo("ann")).toEqual([]);
        await within(as("ann").messages.history());
        await within(as("ann").send("more", { to: "bob" }));
        expect(await shownTo("bob")).toContain("more");
        ground.clock += 48 * 3_600_000;
        await within(as("ann").admin.cleanupOld(24 * 3_600_000));
        expect(beside()).toEqual(before);
      },
    );

  test("read_by and receipts that name odd sessions keep their content, and nobody is fooled", async () => {
    const receipts = '{"__proto__": {"acked_at": "x"}, "constructor": {"read_at": "y"}, "bob": {"unknown": 1}}';
    const text = `{"id": "f", "from_session": "eve", "from_agent": "x", "to_session": "bob", "content": "f", "timestamp": 1, "read_by": ["__proto__", ""], "__proto__": {"withdrawn_at": "z"}, "ack_required": true, "receipts": ${receipts}}`;
    put("messages/f", text);
    expect(await shownTo("bob")).toEqual(["f", "good"]);
    await within(as("bob").messages.ack("f"));
    const kept = JSON.parse(fs.readFileSync(path.join(root, "messages", "f.json"), "utf8"));
    expect(kept.read_by).toEqual(["__proto__", "", "bob"]);
    expect(Object.keys(kept.receipts)).toEqual(["__proto__", "constructor", "bob"]);
    expect(kept.receipts.bob).toMatchObject({ unknown: 1, acked_at: expect.any(String) });
    expect(Object.keys(kept)).toContain("__proto__");
    expect(({} as { withdrawn_at?: string }).withdrawn_at).toBeUndefined();
  });

  test("a session called __proto__ or constructor registers, is sent to, reads and answers", async () => {
    for (const session of ["__proto__", "constructor", "toString"]) {
      await as(session).agents.register();
      const { id } = await as("ann").send(`to ${session}?`, { to: session, kind: "question" });
      expect(await shownTo(session)).toEqual([`to ${session}?`]);
      await as(session).reply(id, `from ${session}`);
      expect(await as(session).messages.unreadCount()).toBe(0);
      expect((await as("ann").inbox()).items.map((item) => item.message.content)).toEqual([`from ${session}`]);
    }
  });

  test("answers that go in a ring, and threads that name themselves, are shown once each", async () => {
    drop("r1", { reply_to: "r3", thread: "r2" });
    drop("r2", { reply_to: "r1", thread: "r3" });
    drop("r3", { reply_to: "r2", thread: "r1" });
    drop("self", { reply_to: "self", thread: "self" });
    expect(await shownTo("bob")).toEqual(["good", "r1", "r2", "r3", "self"]);
    expect((await within(as("bob").messages.history())).messages).toHaveLength(5);
    for (const id of ["r1", "self"]) expect((await within(as("bob").messages.thread(id))).length).toBeGreaterThan(0);
  });

  test("a field nested 100,000 deep keeps neither it nor the others from being shown", async () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    put(
      "messages/deep",
      `{"id": "deep", "from_session": "eve", "from_agent": "x", "to_session": "bob", "content": "deep", "timestamp": 1, "read_by": [], "x": ${deep}}`,
    );
    expect(await shownTo("bob")).toContain("good");
    expect(await within(as("bob").messages.unreadCount())).toBe(0);
  });

  test("times that no clock can show are no reason to fail", async () => {
    for (const [index, timestamp] of [Number.MAX_SAFE_INTEGER, 0, 8.64e12, 8.64e15].entries())
      drop(`t${index}`, { timestamp });
    drop("t9", { sent_at: "+275760-09-13T00:00:00.001Z", expires_at: "never", seq: Number.MAX_SAFE_INTEGER });
    expect(await shownTo("bob")).toEqual(["good", "t0", "t1", "t2", "t3", "t9"]);
    expect((await within(as("bob").reply("t0", "answer", { keep: true }))).messages[0]?.reply_to).toBe("t0");
  });

  test("a question and a foreign message called `open` do not get in each other's way", async () => {
    const { id } = await as("ann").send("well?", { to: "bob", kind: "question" });
    drop("open", {});
    expect(await shownTo("bob")).toEqual(expect.arrayContaining(["good", "well?"]));
    expect(await shownTo("bob")).toEqual(["well?"]);
    await as("bob").messages.ack(id);
    expect(await shownTo("bob")).toEqual([]);
  });

  test("a foreign message whose name ends like a record's file does no harm", async () => {
    drop("notes.json", {});
    expect(await shownTo("bob")).toContain("good");
    expect(await within(as("bob").messages.unreadCount())).toBe(0);
  });
});

describe("a registration that says something nasty of itself", () => {
  const eve = {
    session_id: "eve",
    agent_id: "x",
    pid: 0,
    registered_at: 1,
    last_heartbeat: 1,
    metadata: {},
    name: "eve",
  };

  for (const field of ["session_id", "name", "role", "place"])
    test.each(short)(
      `${field} %j: everyone else is found and reached, and it can leave and come back`,
      async (_, word) => {
        put("agents/eve", { ...eve, [field]: word });
        const before = beside();
        expect((await within(as("ann").agents.list())).map(({ session_id }) => session_id).sort()).toEqual([
          "ann",
          "bob",
          "eve",
        ]);
        expect(await within(as("ann").agents.find("eve"))).toMatchObject({ presence: "gone" });
        expect((await within(as("ann").send("x", { to: "bo" }))).recipients).toMatchObject([{ session_id: "bob" }]);
        await expect(within(as("ann").send("x", { to: "nobody-at-all" }))).rejects.toMatchObject({ code: "not_found" });
        await within(as("ann").send("all", { report: true }));
        await within(as("ann").admin.cleanupDead());
        await within(as("eve").agents.unregister());
        await within(as("ann").send("x", { to: "eve", keep: true }));
        await within(as("eve").agents.register());
        expect(beside()).toEqual(before);
      },
    );

  test.each(["../x", "", "a/b", undefined, 7, { a: 1 }])(
    "a name held by the session %j can be taken",
    async (session_id) => {
      put("names/otter", { session_id });
      expect((await within(as("cay").agents.register({ name: "otter" }))).name).toBe("otter");
    },
  );

  test.each(short)("a session whose own registration says that its name is %j registers again", async (_, name) => {
    put("agents/eve", { ...eve, name });
    expect((await within(as("eve").agents.register())).name).toMatch(/^[a-z0-9._-]{1,64}$/);
    expect(await within(as("ann").agents.resolve("eve"))).toBe("eve");
  });

  test.each([1, 4_194_304, 0xffffffff])("the pid %d of a stranger's machine is never judged from here", async (pid) => {
    put("agents/eve", { ...eve, pid, pid_started: 1, place: "elsewhere.1", last_heartbeat: ground.clock / 1000 });
    expect(await within(as("ann").admin.cleanupDead())).toEqual([]);
    expect(await within(as("ann").agents.find("eve"))).toMatchObject({ presence: "active" });
  });
});

describe("times and numbers of files", () => {
  test.each(["1970-01-01T00:00:01Z", "2099-12-31T00:00:00Z"])(
    "files all of %s: mail comes and goes as ever",
    async (text) => {
      const { id } = await as("ann").send("well?", { to: "bob", kind: "question" });
      for (const file of fs.readdirSync(root, { recursive: true, encoding: "utf8" }))
        fs.utimesSync(path.join(root, file), new Date(text), new Date(text));
      expect(await within(as("bob").messages.unreadCount())).toBe(2);
      expect(await shownTo("bob")).toEqual(["good", "well?"]);
      await within(as("bob").reply(id, "yes"));
      expect(await shownTo("ann")).toEqual(["yes"]);
      for (let count = 0; count < 20; count++) await within(as("ann").send(`more ${count}`, { to: "bob" }));
      const { items } = await within(as("bob").inbox({ limit: 100 }));
      expect(items.map((item) => item.message.content)).toEqual(
        Array.from({ length: 20 }, (_, count) => `more ${count}`),
      );
      drop("late", {});
      ground.clock += 61_000;
      expect(await shownTo("bob")).toEqual(["late"]);
    },
  );

  test("100 files that cannot be read cost one look, not a hundred", async () => {
    for (let count = 0; count < 100; count++) put(`messages/stray${count}`, "");
    expect(await shownTo("bob")).toEqual(["good"]);
    for (let count = 0; count < 100; count++) put(`agents/stray${count}`, "");
    expect(await within(as("ann").agents.list())).toHaveLength(2);
  });

  test("100 senders that were killed before they were done do not hold up each look of their reader", async () => {
    for (let count = 0; count < 100; count++) {
      const id = `msg-0mm7kxz00${String(count).padStart(12, "0")}`;
      fs.writeFileSync(path.join(root, "drafts", id), "{}");
      fs.writeFileSync(path.join(root, "inboxes", "bob", id), "");
    }
    expect(await within(as("bob").messages.unreadCount())).toBe(1);
    expect(await shownTo("bob")).toEqual(["good"]);
  });

  test("5,000 pointers to nothing are cleared away once, and cost nothing after that", async () => {
    for (let count = 0; count < 5_000; count++)
      fs.writeFileSync(path.join(root, "inboxes", "bob", `msg-0mm7kxz00${String(count).padStart(12, "0")}`), "");
    expect(await within(as("bob").messages.unreadCount())).toBe(1);
    expect(fs.readdirSync(path.join(root, "inboxes", "bob")).filter((name) => name !== ".empty")).toHaveLength(1);
  });

  test(`${STRAYS} strays beside the messages are passed over, and stay where they are`, async () => {
    execFileSync("sh", [
      "-c",
      'cd "$0" && seq -f "stray%.0f" "$1" | xargs touch',
      path.join(root, "messages"),
      String(STRAYS),
    ]);
    expect(await shownTo("bob")).toEqual(["good"]);
    await within(as("bob").send("back", { to: "ann" }));
    expect(await shownTo("ann")).toEqual(["back"]);
    expect(fs.readdirSync(path.join(root, "messages"))).toHaveLength(STRAYS + 2);
  });
});
