import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Inbox, Relay } from "../../src/index.ts";
import { crate } from "./crate.ts";

/** One folder with both programs in it, and a clock for ours. */
class Shared {
  readonly dir: string;
  #ahead = 0;

  constructor() {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "agent-relay-compat-"));
    onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
    this.dir = path.join(folder, ".relay");
  }

  /** A session of ours. */
  as(session: string): Relay {
    const now = () => Date.now() + this.#ahead;
    return new Relay(this.dir, { session, agent: session.split("-")[0], now });
  }

  /** Ours look for messages of other programs at most once in a minute, so a minute passes. */
  aMinutePasses(): void {
    this.#ahead += 61_000;
  }

  /** What the crate's command prints. */
  crate(...args: string[]): string {
    return execFileSync(crate ?? "", ["--dir", this.dir, ...args], {
      encoding: "utf8",
      env: { PATH: process.env.PATH, HOME: path.dirname(this.dir) },
    });
  }

  /** What the crate shows a session, as `NEW sender: text`, sorted. */
  crateShows(session: string): string[] {
    const shown = this.crate("inbox", "--session", session, "--limit", "1000").matchAll(
      /^\[(NEW|read)\] \S+ \((\S+)\)(?: -> \S+)?: (.*) {2}\d\d:\d\d:\d\d$/gm,
    );
    return [...shown].map(([, mark, from, text]) => `${mark} ${from}: ${text}`).toSorted();
  }

  record(id: string): Record<string, unknown> {
    return JSON.parse(fs.readFileSync(`${this.dir}/messages/${id}.json`, "utf8"));
  }
}

function texts({ items }: Inbox): string[] {
  return items.map((item) => item.message.content).toSorted();
}

describe.skipIf(!crate)("with the published crate in the same folder", () => {
  test("ours find what the crate sent, once", async () => {
    const shared = new Shared();
    const claude = shared.as("claude-1");
    await claude.agents.register();
    shared.crate("register", "--agent", "gemini", "--session", "gemini-1");
    shared.crate("send", "-f", "gemini-1", "-a", "gemini", "to everyone");
    shared.crate("send", "-f", "gemini-1", "-a", "gemini", "--to", "claude-1", "to claude");
    shared.crate("send", "-f", "gemini-1", "-a", "gemini", "--to", "codex-1", "to codex");

    expect((await claude.agents.find("gemini-1"))?.presence).toBe("active");
    expect(await claude.messages.unreadCount(), "not looked for again within the minute").toBe(0);
    shared.aMinutePasses();
    expect(await claude.messages.unreadCount()).toBe(2);
    expect(texts(await claude.inbox())).toEqual(["to claude", "to everyone"]);
    shared.aMinutePasses();
    expect(texts(await claude.inbox())).toEqual([]);

    const codex = shared.as("codex-1");
    await codex.agents.register(); // looks at once
    expect(texts(await codex.inbox())).toEqual(["to codex", "to everyone"]);
  });

  test("ours look every 5 s once the crate was met", async () => {
    const shared = new Shared();
    shared.crate("send", "first");
    let time = Date.now();
    const claude = new Relay(shared.dir, { session: "claude-1", now: () => time });
    await claude.agents.register();
    shared.crate("send", "second");
    time += 4000;
    expect(await claude.messages.unreadCount()).toBe(1);
    time += 2000;
    expect(await claude.messages.unreadCount()).toBe(2);
  });

  test("the crate shows what ours sent to those it is for, and marks it read for us too", async () => {
    const shared = new Shared();
    const claude = shared.as("claude-1");
    for (const session of ["codex-1", "gemini-1", "crate-1"]) await shared.as(session).agents.register();
    await claude.send("to everyone");
    await claude.send("to crate", { to: "crate-1", kind: "question", ack: true });
    await claude.send("to codex", { to: "codex-1" });
    await claude.send("to two", { to: ["crate-1", "gemini-1"] });

    expect(shared.crate("unread", "--session", "crate-1")).toBe("INBOX 3 unread messages\n");
    const forCrate = ["to crate", "to everyone", "to two"];
    expect(shared.crateShows("crate-1")).toEqual(forCrate.map((text) => `NEW claude-1: ${text}`));
    expect(shared.crateShows("crate-1")).toEqual(forCrate.map((text) => `read claude-1: ${text}`));
    expect(await shared.as("crate-1").messages.unreadCount(), "the same session by our command").toBe(0);
    expect(texts(await shared.as("crate-1").inbox())).toEqual([]);
  });

  test("what ours have read is read for the crate", async () => {
    const shared = new Shared();
    const codex = shared.as("codex-1");
    await codex.agents.register();
    await shared.as("claude-1").send("to everyone");
    await codex.inbox();
    expect(shared.crate("unread", "--session", "codex-1")).toBe("No unread messages.\n");
    expect(shared.crateShows("codex-1")).toEqual(["read claude-1: to everyone"]);
  });

  test("after the crate rewrote them, nobody sees a message who did not before, and nobody sees one twice", async () => {
    const shared = new Shared();
    const [claude, codex, gemini] = ["claude-1", "codex-1", "gemini-1"].map((session) => shared.as(session));
    if (!claude || !codex || !gemini) return expect.unreachable();
    for (const each of [claude, codex, gemini]) await each.agents.register();
    const toAll = await claude.send("to everyone");
    const pair = await claude.send("to two", { to: ["codex-1", "gemini-1"] });
    const secret = await claude.send("only codex", { to: "codex-1" });
    expect(texts(await codex.inbox())).toEqual(["only codex", "to everyone", "to two"]);

    for (const session of ["crate-1", "codex-1", "gemini-1", "claude-1"]) shared.crateShows(session);
    expect(shared.record(toAll.id).read_by, "nobody's receipt is lost").toEqual(
      expect.arrayContaining(["claude-1", "codex-1", "crate-1", "gemini-1"]),
    );
    expect(shared.record(secret.id)).toMatchObject({ to_session: "codex-1", read_by: ["claude-1", "codex-1"] });
    expect(pair.messages.map(({ id }) => shared.record(id).to_session)).toEqual(["codex-1", "gemini-1"]);

    shared.aMinutePasses();
    const late = shared.as("late-1");
    await late.agents.register();
    await codex.agents.register();
    expect(texts(await codex.inbox())).toEqual([]);
    expect(texts(await gemini.inbox()), "the crate showed them to it").toEqual([]);
    expect(texts(await late.inbox())).toEqual(["to everyone"]);
    expect((await late.messages.history()).messages.map((message) => message.content)).toEqual(["to everyone"]);
    await expect(late.messages.get(secret.id)).rejects.toMatchObject({ code: "not_found" });
  });

  test("a session that the crate's reader overtook is shown it all the same", async () => {
    const shared = new Shared();
    const codex = shared.as("codex-1");
    await codex.agents.register();
    await shared.as("claude-1").send("to everyone", { kind: "status" });
    shared.crateShows("crate-1");
    expect(texts(await codex.inbox())).toEqual(["to everyone"]);
  });

  test("what the crate drops when it rewrites a message is exactly this", async () => {
    const shared = new Shared();
    const [claude, codex] = [shared.as("claude-1"), shared.as("codex-1")];
    await codex.agents.register();
    await shared.as("gemini-1").agents.register();
    const first = await claude.send("first", { to: "codex-1" });
    await codex.inbox();
    const full = await codex.reply(first.id, "full", {
      to: ["claude-1", "gemini-1"],
      kind: "question",
      ack: true,
      expiresMs: 60_000,
    });
    await claude.inbox();
    await codex.messages.withdraw(full.id);
    const before = shared.record(full.id);
    fs.writeFileSync(`${shared.dir}/messages/${full.id}.json`, JSON.stringify({ ...before, read_by: ["codex-1"] }));
    shared.crateShows("claude-1");

    const after = shared.record(full.id);
    expect(Object.keys(before).filter((key) => !(key in after))).toEqual([
      "sent_at",
      "seq",
      "kind",
      "thread",
      "reply_to",
      "batch",
      "ack_required",
      "expires_at",
      "answer_by",
      "hops",
      "chain",
      "receipts",
      "withdrawn_at",
    ]);
    expect({ ...before, ...after }, "what it keeps is as it was").toEqual(before);
  });

  test("its `agents` shows ours whose process it sees, and those without one", async () => {
    const shared = new Shared();
    await shared.as("claude-1").agents.register({ pid: process.pid });
    await shared.as("codex-1").agents.register();
    const lines = shared.crate("agents").trimEnd().split("\n");
    expect(lines[0]?.split(/\s+/)).toEqual(["SESSION", "AGENT", "PID", "HEARTBEAT"]);
    expect(lines.slice(1).map((line) => line.split(/\s+/).slice(0, 3))).toEqual(
      expect.arrayContaining([
        ["claude-1", "claude", String(process.pid)],
        ["codex-1", "codex", "0"],
      ]),
    );
    expect(lines.length).toBe(3);
  });

  test("a session of ours that its cleanup removed is here again with its next send, and hears broadcasts", async () => {
    const shared = new Shared();
    const [claude, codex] = [shared.as("claude-1"), shared.as("codex-1")];
    await codex.agents.register({ pid: 0x7ffffffe }); // as one that the crate cannot see, such as a container's
    shared.crate("agents");
    expect(fs.existsSync(`${shared.dir}/agents/codex-1.json`), "it took it for dead").toBe(false);

    await shared.as("codex-1").send("still here"); // as its next command does
    expect((await claude.agents.list()).map((agent) => agent.session_id)).toContain("codex-1");
    await claude.send("to everyone");
    expect(texts(await codex.inbox())).toEqual(["to everyone"]);
  });

  test("a message that the crate cleaned up is gone for ours too, without a phantom", async () => {
    const shared = new Shared();
    const codex = shared.as("codex-1");
    await codex.agents.register();
    const { id } = await shared.as("claude-1").send("old", { to: "codex-1" });
    const record = shared.record(id);
    fs.writeFileSync(`${shared.dir}/messages/${id}.json`, JSON.stringify({ ...record, timestamp: 1_000_000_000 }));
    expect(shared.crate("cleanup")).toBe("OK Removed 0 dead agents, 1 old message\n");
    expect(await codex.messages.unreadCount()).toBe(0);
    expect(texts(await codex.inbox())).toEqual([]);
    expect(fs.readdirSync(`${shared.dir}/inboxes/codex-1`)).toEqual([".empty"]);
  });
});
