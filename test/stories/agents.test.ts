import fs from "node:fs";
import { expect, test } from "vitest";
import { Relay } from "../../src/relay.ts";
import { hereOnly, Story } from "../support/cli.ts";

test("a name, a role, a pid and metadata are kept; a taken or reserved name is refused", async () => {
  const story = new Story();
  const args = [
    "--agent",
    "claude",
    "--name",
    "parser",
    "--role",
    "builder",
    "--pid",
    String(process.pid),
    "--metadata",
    '{"model":"x"}',
  ];
  const agent = await story.json("claude-1", "register", ...args);
  expect(agent).toMatchObject({
    session_id: "claude-1",
    agent_id: "claude",
    name: "parser",
    role: "builder",
    pid: process.pid,
    metadata: { model: "x" },
  });
  const taken = await story.as("claude-2", "register", "--name", "parser");
  expect(taken).toMatchObject({ code: 4, out: "" });
  expect(taken.err).toContain('Cannot take the name "parser": session claude-1 has it');
  for (const name of ["all", "human", "Bad Name", "../x", ""])
    expect((await story.as("c", "register", "--name", name)).code).toBe(2);
  expect((await story.as("c", "register", "--metadata", "[1]")).code).toBe(2);
  expect((await story.as("c", "register", "--pid", "abc")).code).toBe(2);
});

test("an unknown recipient is an error with the near names, and nothing is sent", async () => {
  const story = new Story();
  await story.as("gemini-1", "register", "--name", "otter");
  const lost = await story.as("a", "send", "--to", "oter", "hi");
  expect(lost).toMatchObject({ code: 3, out: "" });
  expect(lost.err).toContain("did you mean otter?");
});

hereOnly("what is to be kept for a session that is not here yet waits for it", async () => {
  const story = new Story();
  expect((await story.as("a", "send", "--to", "later-1", "--keep", "for you")).out).toContain(
    "not seen here yet, kept until it comes",
  );
  expect((await story.as("later-1", "inbox")).out).toContain("for you");
});

test("who left keeps its mail, is said to have left, and is known again when it comes back", async () => {
  const story = new Story();
  await story.as("b", "register", "--name", "bee");
  await story.as("b", "unregister");
  expect((await story.as("b", "unregister")).code).toBe(3);
  story.now += 3 * 3_600_000;
  expect((await story.as("a", "send", "--to", "b", "welcome back")).out).toContain(
    "left 3h ago, kept until it is back",
  );
  expect(await story.json("a", "agents")).toHaveLength(1);
  expect((await story.as("b", "inbox")).out).toContain("welcome back");
  expect(await story.json("a", "agents")).toHaveLength(2);
});

test("the list shows presence, age and unread: active, idle or gone by silence where no process is known", async () => {
  const story = new Story();
  await story.as("b", "register", "--role", "reviewer");
  await story.as("a", "send", "--to", "b", "x");
  const row = async () => (await story.as("a", "agents")).out.split("\n").find((line) => line.includes("\tb\t"));
  expect(await row()).toMatch(/active\t0s\t1\t-\treviewer\t-$/);
  story.now += 20 * 60_000;
  expect((await story.json<{ presence: string }[]>("a", "agents")).map((agent) => agent.presence)).toEqual([
    "idle",
    "idle",
  ]);
  story.now += 2 * 3_600_000;
  expect((await story.as("a", "send", "--to", "b", "y")).out).toContain("gone, seen 2h ago, 1 unread before this");
});

test("cleanup ends dead agents, and removes old messages but no unread one", async () => {
  const story = Story.ofOneUser();
  await story.as("b", "register");
  await new Relay(`${story.cwd}/.relay`, { session: "dead", now: () => story.now }).agents.register({ pid: 999_999 });
  await story.as("a", "send", "--to", "b", "unread");
  await story.as("a", "send", "for all");
  await story.as("b", "inbox", "--limit", "1");
  story.now += 8 * 24 * 3_600_000;
  expect((await story.as("a", "cleanup")).out).toBe("Removed 1 dead agents and 1 old messages\n");
  expect((await story.as("b", "inbox")).out).toContain("for all");
  expect((await story.as("a", "cleanup", "--max-age", "1")).out).toBe("Removed 0 dead agents and 1 old messages\n");
});

hereOnly("looking makes no relay: without one there is nothing to see, and nothing appears", async () => {
  const story = new Story();
  expect((await story.as("a", "unread")).out).toBe("0\n");
  expect((await story.as("a", "unread", "--quiet")).code).toBe(3);
  expect((await story.as("a", "inbox")).err).toBe("No unread messages\n");
  expect((await story.as("a", "agents")).err).toContain("No agents here yet");
  expect((await story.as("a", "history")).err).toBe("No messages\n");
  expect((await story.as("a", "whoami")).out).toContain("not made yet");
  expect((await story.as("a", "cleanup")).code).toBe(0);
  expect(fs.readdirSync(story.cwd)).toEqual([]);
});

hereOnly("a relay made elsewhere is shown but not trusted, until a person at a terminal says so", async () => {
  const story = new Story();
  await story.as("a", "send", "hello");
  const file = `${story.cwd}/.relay/relay.json`;
  const { mark, ...relay } = JSON.parse(fs.readFileSync(file, "utf8"));
  expect(mark).toMatch(/^[0-9a-f]{64}$/);
  fs.writeFileSync(file, JSON.stringify({ ...relay, mark: "0".repeat(32) }));
  expect((await story.as("b", "inbox")).out).toContain("hello");
  expect((await story.as("b", "whoami")).out).toContain("trusted  no");
  expect(await story.as(undefined, "trust")).toMatchObject({ code: 6 });
  story.isTerminal = true;
  expect((await story.as("claude-1", "trust")).code).toBe(6);
  expect((await story.as(undefined, "trust", "--agent", "human", "--session", "ann")).code).toBe(0);
  expect((await story.as("b", "whoami")).out).toContain("trusted  yes");
});

test("every verb explains itself, with an example, and refuses what it does not know", async () => {
  const story = new Story();
  const { out } = await story.as("a", "help");
  const [ofVerbs = ""] = out.split("Guides:");
  const verbs = [...ofVerbs.matchAll(/^ {2}(\w+) {2,}/gm)].map(([, verb = ""]) => verb);
  expect(verbs).toContain("inbox");
  for (const verb of verbs) {
    const help = await story.as("a", verb, "--help");
    expect(help).toMatchObject({ code: 0, err: "" });
    expect(help.out).toMatch(/Example: .*agent-relay/);
    if (verb === "hook") continue; // which breaks no host for a mistake in its arguments
    const wrong = await story.as("a", verb, "--nonsense");
    expect(wrong).toMatchObject({ code: 2, out: "" });
    expect(wrong.err).toContain(`Try: agent-relay ${verb} --help`);
  }
  expect((await story.as("a", "--version")).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect((await story.as("a", "inbx")).err).toContain("did you mean inbox?");
  expect(JSON.parse((await story.as("a", "send", "--to", "x", "y", "--json")).err)).toMatchObject({
    error: { code: "not_found" },
  });
  for (const shell of ["bash", "zsh", "fish"])
    expect((await story.as("a", "completions", shell)).out).toContain("unread");
});

test("path characters in a session id are refused everywhere, and touch nothing", async () => {
  const story = new Story();
  await story.as("a", "register");
  for (const id of ["../x", "a/b", ".hidden", "con", "x".repeat(200), "all"]) {
    expect((await story.as(id, "send", "hi")).code).toBe(2);
    expect((await story.as("a", "send", "--keep", "--to", `${id} `, "hi")).code).not.toBe(0);
  }
  expect(fs.readdirSync(story.cwd)).toEqual([".relay"]);
});

test("a look by a mistyped session read mail, and left an agent that nobody is", async () => {
  const story = new Story();
  await story.as("gemini-1", "register");
  await story.as("a", "send", "hello all");
  const before = await story.json("a", "agents");
  const looks = [
    ["inbox"],
    ["unread"],
    ["history"],
    ["claims"],
    ["check", "src"],
    ["status"],
    ["agents"],
    ["task", "list"],
  ];
  for (const look of [...looks, ["inbox", "--peek"], ["activity"], ["export"], ["decisions"]]) {
    const { code, err } = await story.as(undefined, ...look, "--session", "gemni-1");
    expect([0, 3], look.join(" ")).toContain(code);
    expect(err, look.join(" ")).toContain('no session "gemni-1" is registered here; did you mean gemini-1?');
  }
  const { out, err } = await story.as(undefined, "inbox", "--session", "gemni-1");
  expect(out).toContain("hello all");
  expect(err).toContain("Nothing is marked as read, since you are not registered here: agent-relay register");
  expect(await story.json("a", "agents")).toHaveLength((before as unknown[]).length);
  expect((await story.as(undefined, "send", "--session", "gemni-1", "I am here")).err).toBe("");
  expect((await story.as(undefined, "inbox", "--session", "gemni-1")).out).toContain("hello all");
  expect((await story.as(undefined, "inbox", "--session", "gemni-1")).err).toBe("No unread messages\n");
});

test("a person who only looked was counted as a peer", async () => {
  const story = new Story();
  await story.as("a", "send", "hello all");
  for (const look of [["inbox"], ["unread"], ["history"], ["status"], ["claims"], ["activity"], ["task", "list"]])
    expect((await story.as(undefined, ...look)).code, look.join(" ")).toBe(0);
  expect((await story.as(undefined, "inbox")).out).toContain("hello all");
  expect((await story.as(undefined, "unread")).out).toBe("1\n");
  expect(await story.json("a", "agents")).toMatchObject([{ session_id: "a" }]);
  await story.as(undefined, "send", "I watch");
  expect(await story.json("a", "agents")).toHaveLength(2);
  expect((await story.as(undefined, "inbox")).out).toContain("hello all");
  expect((await story.as(undefined, "inbox")).err).toBe("No unread messages\n");
});
