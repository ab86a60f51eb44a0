import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  type AgentView,
  type Claim,
  type Decision,
  type InboxItem,
  type Message,
  type MessageList,
  Relay,
  type Sent,
  type Snapshot,
  type Task,
  type Wait,
} from "../../src/index.ts";
import { KINDS } from "../../src/messages/message.ts";
import { hereOnly, Story, tempDir } from "../support/cli.ts";

// What two older tools of this kind promise, by the numbers of their scenarios, as far as it is not about their hooks,
// consoles, installers or files. What other tests show of them already is not shown again.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const inbox = async (story: Story, session: string) =>
  (await story.json<{ items: InboxItem[] }>(session, "inbox", "--limit", "100")).items.map(({ message }) => message);
const texts = (messages: readonly Message[]) => messages.map(({ content }) => content);
const agents = (story: Story) => story.json<AgentView[]>("watcher", "agents");
const ids = (of: readonly AgentView[]) => of.map(({ session_id }) => session_id).sort();

async function livingProcess(): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"], { stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "spawn");
  return child;
}

describe("convoy", () => {
  test("convoy 1, agent-sync 122: an agent in a linked worktree and one in the main one see each other", async () => {
    const cwd = tempDir();
    const git = (...args: string[]) =>
      execFileSync("git", ["-C", `${cwd}/main`, "-c", "user.email=a@b", "-c", "user.name=a", ...args], {
        stdio: "ignore",
      });
    fs.mkdirSync(`${cwd}/main`);
    git("init");
    git("commit", "--allow-empty", "-m", "first");
    git("worktree", "add", `${cwd}/linked`);
    const [main, linked] = [new Story(`${cwd}/main`), new Story(`${cwd}/linked`)];
    await main.as("a", "register");
    await linked.as("b", "register");
    for (const story of [main, linked]) expect(ids(await agents(story))).toEqual(["a", "b"]);
  });

  test("convoy 2, 54: a claim keeps the other out, who is told by whom and until when; released, it is the other's", async () => {
    const story = new Story();
    await story.as("a", "register", "--name", "ann");
    await story.as("a", "claim", "src/x.ts", "--ttl", "600s");
    const refused = await story.as("b", "claim", "src/x.ts");
    expect(refused).toMatchObject({
      code: 4,
      err: expect.stringMatching(/ann holds "src\/x\.ts" until 2026-05-01T12:10:00Z/),
    });
    expect(await story.json<Claim[]>("b", "claims")).toMatchObject([{ session_id: "a" }]);
    await story.as("a", "release", "src/x.ts");
    expect((await story.as("b", "claim", "src/x.ts")).code).toBe(0);
    await story.as("b", "unregister");
    expect(await story.json("a", "claims")).toEqual([]);
  });

  test("convoy 3: what one says it has done reaches the other at its next look", async () => {
    const story = new Story();
    await story.as("b", "register");
    await story.as("a", "send", "--kind", "status", "done with login");
    expect((await story.as("b", "inbox")).out).toContain("status: done with login");
  });

  test("convoy 4: a question to one is in that one's inbox alone, from its sender", async () => {
    const story = new Story();
    for (const session of ["b", "c"]) await story.as(session, "register");
    await story.as("a", "send", "--to", "b", "--kind", "question", "which port?");
    expect(await inbox(story, "b")).toMatchObject([{ from_session: "a", kind: "question", content: "which port?" }]);
    expect(await inbox(story, "c")).toEqual([]);
  });

  test("convoy 5, 35, 46, 52: a wait for a claim is pending, and its release ends it and is told", async () => {
    const story = new Story();
    await story.as("a", "claim", "src/x.ts");
    const wait = await story.json<Wait>("b", "wait", "--released", "src/x.ts", "--subscribe");
    expect(wait.state).toBe("pending");
    expect(await story.json<Wait[]>("b", "wait", "--list")).toMatchObject([{ id: wait.id }]);
    await story.as("a", "release", "src/x.ts");
    expect(await story.json<Wait[]>("b", "wait", "--list")).toEqual([]);
    expect(texts(await inbox(story, "b"))).toEqual([expect.stringContaining("src/x.ts is free")]);
  });

  test("convoy 6, 51: one that was killed is gone, what it held is free, and both can be seen", async () => {
    const story = Story.ofOneUser();
    const child = await livingProcess();
    await story.as("a", "register", "--pid", String(child.pid));
    await story.as("a", "claim", "src");
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await agents(story)).toMatchObject([{ session_id: "a", presence: "gone" }]);
    expect((await story.as("b", "check", "src")).out).toBe("free\n");
    expect((await story.as("b", "cleanup")).out).toMatch(/^Removed 1 dead agents/);
    expect(ids(await agents(story))).not.toContain("a");
  });

  test("convoy 7, agent-sync 10: status shows all with what each does; of nothing it says so and is no error", async () => {
    const story = new Story();
    expect(await story.as("a", "status")).toMatchObject({
      code: 0,
      out: "",
      err: expect.stringMatching(/^Nobody is here/),
    });
    await story.as("a", "status", "on the parser");
    await story.as("b", "status", "on the docs");
    const { out } = await story.as("a", "status");
    expect(out).toContain("on the parser");
    expect(out).toContain("on the docs");
  });

  test("convoy 11: ids are unique, and the beginning of one means it while it is the only one", async () => {
    const story = new Story();
    for (const session of ["abcdef-1", "xyz-2"]) await story.as(session, "register");
    expect((await story.json<Sent>("c", "send", "--to", "abcdef", "hi")).messages[0]?.to_session).toBe("abcdef-1");
    const sent = new Set<string>();
    for (let n = 0; n < 50; n++) sent.add((await story.json<Sent>("c", "send", "hi")).id);
    expect(sent.size).toBe(50);
  });

  test("convoy 12, 13, 14, 15: a name is a short word of a-z 0-9 - _ .", async () => {
    const story = new Story();
    for (const name of ["feat-auth", "refactor_config", "v1.2", "crimson-otter", "x".repeat(64)])
      expect((await story.as("a", "register", "--name", name)).code, name).toBe(0);
    for (const name of ["", " ", "two words", "\u{1f980}"])
      expect((await story.as("a", "register", "--name", name)).code).toBe(2);
    expect((await story.as("a", "register", "--name", "x".repeat(65))).code).toBe(7);
  });

  test("convoy 16, 17, 18, 19: a claim has what is left of its time, and none of it twice", async () => {
    const story = new Story();
    const left = async () => /for (\S+) more/.exec((await story.as("b", "check", "src")).out)?.[1];
    await story.as("a", "claim", "src", "--ttl", "119s");
    expect(await left()).toBe("1m");
    story.now += 118_000;
    expect(await left()).toBe("1s");
    story.now += 1000;
    expect(await left()).toBeUndefined();
    expect((await story.as("a", "claim", "src", "--ttl", "-1s")).code).toBe(2);
  });

  test("convoy 20, 21, 22, 23: each kind arrives as it was sent, no other can be sent, and without --to it is for all", async () => {
    const story = new Story();
    await story.as("b", "register");
    const kinds = KINDS.filter((kind) => kind !== "request-yield" && kind !== "permission"); // which name a claim, and who may answer
    for (const kind of kinds) await story.as("a", "send", "--kind", kind, kind);
    const found = await inbox(story, "b");
    expect(found.map(({ kind }) => kind)).toEqual(kinds);
    expect(found.every(({ to_session }) => to_session === null)).toBe(true);
    for (const kind of ["gossip", "claim-notice"])
      expect((await story.as("a", "send", "--kind", kind, "x")).code).toBe(2);
  });

  test("convoy 27, 28: so many messages a minute pass, and no more, until time has passed", async () => {
    let now = Date.parse("2026-05-01T12:00:00Z");
    const relay = new Relay(`${tempDir()}/.relay`, { session: "a", now: () => now, limits: { perMinute: 3 } });
    for (let n = 0; n < 3; n++) await relay.send(`${n}`);
    await expect(relay.send("one more")).rejects.toMatchObject({ code: "limit" });
    now += MINUTE;
    for (let n = 0; n < 3; n++) await relay.send(`${n}`);
    await expect(relay.send("one more")).rejects.toMatchObject({ code: "limit" });
  });

  test("convoy 31, 32, 33, 34: seen just now is active, silent is idle, too long silent or ended is gone", async () => {
    const story = Story.ofOneUser();
    await story.as("a", "register");
    await story.as("b", "register", "--pid", String(process.pid));
    const presence = async () => (await agents(story)).map((one) => `${one.session_id} ${one.presence}`).sort();
    expect(await presence()).toEqual(["a active", "b active"]);
    story.now += HOUR;
    expect(await presence()).toEqual(["a idle", "b idle"]);
    story.now += 2 * HOUR;
    expect(await presence(), "it has a process that lives").toEqual(["a gone", "b idle"]);
    await story.as("b", "unregister");
    expect(await presence()).toEqual(["a gone"]);
  });

  test("convoy 36, 37, 38, 39, 40, 41: a wait matches its own path, sender, kind, reader and agent, and no other", async () => {
    const story = new Story();
    for (const session of ["a", "b", "c"]) await story.as(session, "register");
    await story.as("a", "claim", "src/x.ts");
    await story.as("a", "claim", "src/y.ts");
    const state = async (...args: string[]) => {
      const { code } = await story.as("b", "wait", ...args, "--timeout", "1ms");
      return code === 0;
    };
    await story.as("a", "release", "src/y.ts");
    expect([await state("--released", "src/x.ts"), await state("--released", "src/y.ts")]).toEqual([false, true]);
    await story.as("a", "send", "--to", "c", "not to b");
    expect(await state("--message"), "mail to someone else").toBe(false);
    await story.as("a", "send", "for all");
    expect(await state("--message"), "a broadcast").toBe(true);
    expect([await state("--from", "a"), await state("--from", "c")]).toEqual([true, false]);
    expect([await state("--kind", "info"), await state("--kind", "question")]).toEqual([true, false]);
    await story.as("c", "unregister");
    expect([await state("--ended", "c"), await state("--ended", "a")]).toEqual([true, false]);
  });

  test("convoy 42: one registers, is listed, is named anew, beats, ends, and is known all the same", async () => {
    const story = new Story();
    const relay = new Relay(`${story.cwd}/.relay`, { session: "a", now: () => story.now });
    await relay.agents.register({ name: "one" });
    await relay.agents.register({ name: "two" });
    expect(await agents(story)).toMatchObject([{ session_id: "a", name: "two" }]);
    story.now += MINUTE;
    expect((await relay.agents.heartbeat())?.last_heartbeat).toBe(story.now / 1000);
    await relay.agents.unregister();
    expect(await agents(story)).toEqual([]);
    expect(await relay.agents.find("a")).toMatchObject({ presence: "gone" });
    expect([await relay.agents.find("nobody-else"), await relay.agents.heartbeat()]).toEqual([undefined, undefined]);
  });

  test("convoy 43: the inbox has what is for one and others' broadcasts, not one's own; read once, it is read", async () => {
    const story = new Story();
    await story.as("b", "register");
    await story.as("a", "send", "--to", "b", "direct");
    await story.as("a", "send", "for all");
    await story.as("b", "send", "my own");
    expect((await story.as("b", "unread")).out).toBe("2\n");
    expect(texts(await inbox(story, "b"))).toEqual(["direct", "for all"]);
    expect(await inbox(story, "b")).toEqual([]);
    expect((await story.json<MessageList>("b", "history")).messages.length).toBe(3);
  });

  test("convoy 45: the last status counts; there is none at first", async () => {
    const story = new Story();
    await story.as("a", "register");
    expect((await agents(story))[0]).not.toHaveProperty("status");
    for (const line of ["one", "two"]) await story.as("a", "status", line);
    expect((await agents(story))[0]).toMatchObject({ status: "two" });
  });

  test("convoy 46: a wait that is too late times out, and a cancelled one is no longer pending", async () => {
    const story = new Story();
    await story.as("a", "claim", "src");
    const wait = (...args: string[]) => story.json<Wait>("b", "wait", "--released", "src", "--subscribe", ...args);
    const [late, cancelled] = [await wait("--timeout", "1m"), await wait()];
    await story.as("b", "wait", "--cancel", cancelled.id);
    story.now += MINUTE;
    expect(await story.json<Wait>("b", "wait", "--outcome", late.id)).toMatchObject({ state: "timed_out" });
    expect(await story.json<Wait[]>("b", "wait", "--list")).toEqual([]);
  });
});

describe("agent-sync", () => {
  test("agent-sync 1, 2, 3: two appends are two whole lines, no claim remains, and --no-newline adds just the text", async () => {
    const story = new Story();
    for (const line of ["one", "two"]) await story.as("a", "append", "log.md", line);
    expect(fs.readFileSync(`${story.cwd}/log.md`, "utf8")).toBe("one\ntwo\n");
    for (const part of ["th", "ree"]) await story.as("a", "append", "log.md", part, "--no-newline");
    expect(fs.readFileSync(`${story.cwd}/log.md`, "utf8")).toBe("one\ntwo\nthree");
    expect(await story.json("a", "claims")).toEqual([]);
  });

  test("agent-sync 4: a file that another has claimed is not appended to, nor made", async () => {
    const story = new Story();
    await story.as("a", "claim", "log.md");
    expect((await story.as("b", "append", "log.md", "one", "--wait", "10ms")).code).not.toBe(0);
    expect(fs.existsSync(`${story.cwd}/log.md`)).toBe(false);
  });

  test("agent-sync 6, 7, 8, 9: as JSON, all that is shown has its fields", async () => {
    const story = new Story();
    await story.as("a", "register", "--name", "ann");
    await story.as("a", "claim", "src");
    await story.as("a", "claim", "--resource", "ci");
    const first = await story.json<Task>("a", "task", "add", "first");
    await story.as("a", "task", "add", "second", "--after", "first");
    await story.as("a", "send", "hello");
    const status = await story.json<Snapshot>("a", "status");
    expect(status.agents).toMatchObject([{ session_id: "a", name: "ann", presence: "active" }]);
    expect(status.claims.map(({ targets }) => targets)).toMatchObject([[{ path: "src" }], [{ resource: "ci" }]]);
    expect(status.tasks.find(({ title }) => title === "second")).toMatchObject({ depends_on: [first.id] });
    expect(await inbox(story, "b")).toMatchObject([{ content: "hello", from_session: "a" }]);
  });

  test("agent-sync 12: a whole day's work goes without an error", async () => {
    const story = new Story();
    const day = [
      ["register", "--name", "ann"],
      ["status", "on the parser"],
      ["task", "add", "parse"],
      ["task", "next"],
      ["claim", "src"],
      ["send", "I have src"],
      ["append", "log.md", "begun"],
      ["decide", "tabs"],
      ["log", "half way"],
      ["wait", "--ended", "ann", "--subscribe"],
      ...[["inbox"], ["unread"], ["history"], ["agents"], ["claims"], ["check", "src"], ["decisions"], ["activity"]],
      ["release", "src"],
      ["task", "done", "parse"],
      ...[["status"], ["status", "--compact"], ["cleanup"], ["whoami"], ["unregister"]],
    ];
    for (const args of day) expect(await story.as("a", ...args), args.join(" ")).toMatchObject({ code: 0 });
  });

  test("agent-sync 13, 14, 15, 16: a conflict, a call without a verb, and who one is have their own codes and words", async () => {
    const story = new Story();
    await story.as("a", "claim", "src");
    expect((await story.as("b", "claim", "src")).code).toBe(4);
    expect((await story.as("a")).out).toContain("Usage: agent-relay <verb>");
    expect((await story.as("a", "whoami")).out).toMatch(/^session +a \(AGENT_RELAY_SESSION says so\)/);
    expect(await story.json("z", "whoami")).not.toHaveProperty("name");
  });

  hereOnly(
    "agent-sync 37, 39, 120: the first use makes all that is needed, and a folder that is named wins",
    async () => {
      const story = new Story();
      expect((await story.as("a", "send", "hi", "--dir", `${story.cwd}/other/.relay`)).code).toBe(0);
      expect(fs.readdirSync(story.cwd)).toEqual(["other"]);
      expect((await story.as("a", "send", "hi")).code).toBe(0);
      expect(fs.existsSync(`${story.cwd}/.relay/messages`)).toBe(true);
    },
  );

  test("agent-sync 40, 41, 43: one session id is one agent, another another, and a given one wins", async () => {
    const story = new Story();
    for (const args of [
      ["send", "1"],
      ["send", "2"],
      ["send", "--session", "given", "3"],
    ])
      await story.as("a", ...args);
    expect(ids(await agents(story))).toEqual(["a", "given"]);
  });

  test("agent-sync 47, 48: how long silence means what can be set", async () => {
    let now = Date.parse("2026-05-01T12:00:00Z");
    const thresholds = { activeMs: 1000, silentMs: 5000 };
    const relay = new Relay(`${tempDir()}/.relay`, { session: "a", now: () => now, thresholds });
    await relay.agents.register();
    const presence = async (later: number) => {
      now += later;
      return (await relay.agents.find("a"))?.presence;
    };
    expect([await presence(999), await presence(1), await presence(4000)]).toEqual(["active", "idle", "gone"]);
  });

  test("agent-sync 98, 99, 100: a message goes to a name, to all, or to a role", async () => {
    const story = new Story();
    await story.as("b", "register", "--name", "bob", "--role", "reviewer");
    await story.as("c", "register", "--name", "cay");
    await story.as("a", "send", "--to", "bob", "by name");
    await story.as("a", "send", "all");
    await story.as("a", "send", "--to", "role:reviewer", "by role");
    expect(texts(await inbox(story, "b"))).toEqual(["by name", "all", "by role"]);
    expect(texts(await inbox(story, "c"))).toEqual(["all"]);
  });

  test("agent-sync 101, 102, 103, 104: the newest so many, one by its id, and none between others", async () => {
    const story = new Story();
    await story.as("b", "register");
    for (const text of ["1", "2", "3"]) {
      story.now += 1000;
      await story.as("a", "send", text);
    }
    const { id } = await story.json<Sent>("a", "send", "--to", "b", "secret");
    expect(texts((await story.json<MessageList>("c", "history", "--limit", "2")).messages)).toEqual(["2", "3"]);
    expect((await story.as("b", "read", id)).out).toContain("secret");
    expect((await story.as("c", "read", id)).code).toBe(3);
  });

  test("agent-sync 105, 114: what was shown is no longer unread; what was only counted or peeked at is", async () => {
    const story = new Story();
    await story.as("b", "register");
    await story.as("a", "send", "--to", "b", "hi");
    await story.as("b", "inbox", "--peek");
    expect((await story.as("b", "unread")).out).toBe("1\n");
    await story.as("b", "inbox");
    expect((await story.as("b", "unread")).out).toBe("0\n");
  });

  test("agent-sync 50, 51: times are UTC, with a Z, and mean the same moment when read back", async () => {
    const story = new Story();
    const [message] = (await story.json<Sent>("a", "send", "hi")).messages;
    expect(message?.sent_at).toBe("2026-05-01T12:00:00.000Z");
    expect(Date.parse(message?.sent_at ?? "")).toBe(story.now);
    expect(message?.timestamp).toBe(story.now / 1000);
  });

  test("agent-sync 106: decisions are stored", async () => {
    const story = new Story();
    const { id } = await story.json<Decision>("a", "decide", "tabs");
    expect(await story.json<Decision[]>("b", "decisions")).toMatchObject([{ id, content: "tabs" }]);
  });

  test("agent-sync 107, 108, 109, 110, 111: each reader has its own list, without its own messages; marking twice is marking once", async () => {
    const story = new Story();
    for (const session of ["a", "b", "c"]) await story.as(session, "register");
    const { id } = await story.json<Sent>("a", "send", "hi");
    const unread = async () => {
      const counts: string[] = [];
      for (const session of ["a", "b", "c"]) counts.push((await story.as(session, "unread")).out.trim());
      return counts.join("");
    };
    expect(await unread()).toBe("011");
    const relay = new Relay(`${story.cwd}/.relay`, { session: "b", now: () => story.now });
    for (const _ of [1, 2]) await relay.messages.markRead(id);
    expect(await unread()).toBe("001");
    expect((await relay.messages.get(id)).read_by).toEqual(["a", "b"]);
  });

  test("agent-sync 115, 116: an answer is in the conversation of what it answers, which must be there", async () => {
    const story = new Story();
    await story.as("b", "register");
    const { id } = await story.json<Sent>("a", "send", "--to", "b", "hi");
    const { messages } = await story.json<Sent>("b", "reply", id, "hello");
    expect(messages).toMatchObject([{ reply_to: id, thread: id, to_session: "a" }]);
    expect((await story.as("b", "reply", "msg-nothing", "hello")).code).toBe(3);
    expect((await story.as("b", "send", "--reply-to", "msg-nothing", "hello")).code).toBe(3);
  });

  test("agent-sync 117, 118, 119: an ack has a time, the first one counts, and an unknown message cannot be acked", async () => {
    const story = new Story();
    await story.as("b", "register");
    const { id } = await story.json<Sent>("a", "send", "--to", "b", "--ack", "hi");
    const acked = async () => {
      await story.as("b", "ack", id);
      return (await story.json<Message>("a", "read", id)).receipts?.b?.acked_at;
    };
    const first = await acked();
    expect(first).toBe("2026-05-01T12:00:00.000Z");
    story.now += MINUTE;
    expect(await acked()).toBe(first);
    expect((await story.as("b", "ack", "msg-nothing")).code).toBe(3);
  });

  test("agent-sync 11, 123, 124, 128: the view for a model is one frame, which says who one is", async () => {
    const story = new Story();
    await story.as("a", "register", "--name", "ann");
    const { out } = await story.as("a", "status", "--compact");
    expect(out).toMatch(/^\[what agents say from the relay; .*; ends at (\w{6})\]\nyou: ann, 0 unread\n\[\1\]\n$/);
  });
});
