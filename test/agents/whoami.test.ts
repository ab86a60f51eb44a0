import { describe, expect, test } from "vitest";
import { type IdentityFacts, type Registered, whoAmI } from "../../src/agents/whoami.ts";
import type { Ancestor } from "../../src/machine/ancestors.ts";

const shell: Ancestor = { pid: 900, started: 9000, name: "bash", args: ["bash"] };
const claude: Ancestor = { pid: 100, started: 1000, name: "claude", args: ["claude"] };
const codex: Ancestor = { pid: 200, started: 2000, name: "codex", args: ["codex"] };
const gemini: Ancestor = {
  pid: 300,
  started: 3000,
  name: "node",
  args: ["node", "/x/node_modules/@google/gemini-cli/index.js"],
};
const init: Ancestor = { pid: 1, started: 1, name: "systemd", args: ["/sbin/init"] };

function facts(given: Partial<IdentityFacts> = {}): IdentityFacts {
  return { env: {}, ancestors: [shell, init], place: "here", registered: [], user: "ann", ...given };
}

function registered(of: Ancestor, session_id: string, agent_id: string): Registered {
  return { session_id, agent_id, pid: of.pid, pid_started: of.started, place: "here" };
}

const env = { CLAUDE_CODE_SESSION_ID: "claude-session", CODEX_THREAD_ID: "codex-thread", CLAUDECODE: "1" };

describe("told", () => {
  test("--session wins over everything", () => {
    const told = whoAmI(facts({ session: "me", env: { ...env, AGENT_RELAY_SESSION: "other" }, ancestors: [claude] }));
    expect(told).toMatchObject({ session: "me", agent: "claude", pid: 100, because: "--session says so" });
  });

  test("AGENT_RELAY_SESSION wins over what hosts say, and an empty one says nothing", () => {
    expect(whoAmI(facts({ env: { ...env, AGENT_RELAY_SESSION: "me" }, ancestors: [claude] }))).toMatchObject({
      session: "me",
    });
    expect(whoAmI(facts({ env: { AGENT_RELAY_SESSION: "" } }))).toMatchObject({ session: "ann", agent: "human" });
  });

  test("which tool it is comes from --agent, its registration, its name, what is above it, what it inherited, in that order", () => {
    const known = registered(shell, "codex-1", "gemini");
    const agentFor = (given: Partial<IdentityFacts>) => whoAmI(facts({ session: "codex-1", ...given })).agent;
    expect(agentFor({ agent: "mine", registered: [known] })).toBe("mine");
    expect(agentFor({ registered: [known], ancestors: [claude] })).toBe("gemini");
    expect(agentFor({ ancestors: [claude] })).toBe("codex");
    expect(agentFor({ session: "me", ancestors: [shell, claude], env: { GEMINI_CLI: "1" } })).toBe("claude");
    expect(agentFor({ session: "me", env: { GEMINI_CLI: "1" } })).toBe("gemini");
    expect(agentFor({ session: "me" })).toBe("human");
  });

  test("an agent that acts as a person, or as another agent, passed unmarked", () => {
    const viaOf = (given: Partial<IdentityFacts>) => whoAmI(facts(given)).via;
    expect(viaOf({ ancestors: [shell, claude], agent: "human" })).toBe("claude");
    expect(viaOf({ ancestors: [shell, claude], session: "ann", agent: "human" })).toBe("claude");
    expect(viaOf({ ancestors: [claude], session: "codex-1" })).toBe("claude");
    expect(viaOf({ env, agent: "human", session: "ann" }), "by what the host has left").toBe("claude");
    expect(viaOf({ ancestors: [claude] })).toBeUndefined();
    expect(viaOf({ ancestors: [claude], session: "claude-2" })).toBeUndefined();
    expect(viaOf({ session: "ann", agent: "human" }), "a person").toBeUndefined();
    expect(viaOf({}), "a person").toBeUndefined();
    expect(viaOf({ ancestors: [gemini, shell, claude] }), "an agent of an agent").toBeUndefined();
  });

  test("--pid wins over the process that is found", () => {
    expect(whoAmI(facts({ session: "me", pid: 77, ancestors: [claude] })).pid).toBe(77);
    expect(whoAmI(facts({ pid: 0, ancestors: [claude] })).pid).toBe(0);
  });
});

describe("by the nearest ancestor", () => {
  test("a server of tools went on for the session of its start when its agent had cleared that", () => {
    const cleared = (hookSessions: [number, string[]][], client?: string) =>
      whoAmI(
        facts({ env, ancestors: [shell, claude], hookSessions: (pid) => new Map(hookSessions).get(pid) ?? [], client }),
      ).session;
    expect(cleared([[100, ["after-clear"]]], "claude-code")).toBe("after-clear");
    expect(cleared([[100, ["after-clear", "claude-session"]]], "claude-code"), "resumed without an end").toBe(
      "after-clear",
    );
    expect(cleared([[100, ["after-clear"]]])).toBe("after-clear");
    expect(cleared([[100, ["another", "claude-session"]]]), "a command of one of its sessions").toBe("claude-session");
    expect(cleared([[7, ["somebody-else"]]], "claude-code")).toBe("claude-session");
    expect(cleared([], "claude-code")).toBe("claude-session");
  });

  test("an agent above us with its own variable gives that session and its own pid", () => {
    const found = whoAmI(facts({ env, ancestors: [shell, claude, init] }));
    expect(found).toMatchObject({ session: "claude-session", agent: "claude", pid: 100 });
    expect(found.because).toContain(
      "the nearest agent above this process is claude (pid 100), and CLAUDE_CODE_SESSION_ID is set",
    );
  });

  test("an agent above us without a variable is named by its pid and start", () => {
    expect(whoAmI(facts({ ancestors: [shell, gemini, init] }))).toMatchObject({
      session: "gemini-8c-2bc",
      agent: "gemini",
      pid: 300,
    });
  });

  test("a client of our tools that we do not know is an agent of that name, and never the person", () => {
    const editor: Ancestor = { pid: 400, started: 4000, name: "some-editor", args: ["some-editor"] };
    const npx: Ancestor = { pid: 500, started: 5000, name: "npm exec agent-r", args: ["npm exec agent-relay mcp"] };
    const client = "Some Editor (beta)";
    const found = whoAmI(facts({ client, ancestors: [shell, npx, editor, shell, init] }));
    expect(found).toMatchObject({ session: "some-editor-beta-b4-334", agent: "some-editor-beta", pid: 400 });
    const later = facts({
      ancestors: [shell, editor, init],
      registered: [registered(editor, found.session, found.agent)],
    });
    expect(whoAmI(later), "its shell is the same session").toMatchObject({
      session: found.session,
      agent: found.agent,
    });
    expect(whoAmI(facts({ client, ancestors: [claude, init] })).agent, "which its process shows").toBe("claude");
    expect(whoAmI(facts({ client, env: { CODEX_THREAD_ID: "c-1" } })).session).toBe("c-1");
    expect(whoAmI(facts({ client: "é", ancestors: [], parent: 77 }))).toMatchObject({ session: "agent-25", pid: 77 });
    for (const told of [{ session: "s-1" }, { env: { AGENT_RELAY_SESSION: "s-1" } }])
      expect(whoAmI(facts({ client, ...told })), "also when it is told its session").toMatchObject({
        ...{ session: "s-1", agent: "some-editor-beta" },
      });
    expect(whoAmI(facts({ client: "x".repeat(500) })).session.length).toBeLessThanOrEqual(120);
  });

  test("gemini inside codex inside claude are three sessions", () => {
    const chain = [shell, gemini, shell, codex, shell, claude, init];
    const found = [0, 2, 4].map((above) => whoAmI(facts({ env, ancestors: chain.slice(above) })));
    expect(found.map(({ agent }) => agent)).toEqual(["gemini", "codex", "claude"]);
    expect(found.map(({ session }) => session)).toEqual(["gemini-8c-2bc", "codex-thread", "claude-session"]);
    expect(found.map(({ pid }) => pid)).toEqual([300, 200, 100]);
  });

  test("codex inside claude does not take claude's variable, nor its pid variable", () => {
    const inherited = { CLAUDE_CODE_SESSION_ID: "claude-session", CLAUDE_PID: "100" };
    expect(whoAmI(facts({ env: inherited, ancestors: [shell, codex, claude] }))).toMatchObject({
      session: "codex-5k-1jk",
      pid: 200,
    });
  });

  test("claude inside claude is not its parent, whose variable it inherited", () => {
    const inner: Ancestor = { ...claude, pid: 101, started: 1001 };
    const outer = registered(claude, "claude-session", "claude");
    const found = whoAmI(facts({ env, ancestors: [shell, inner, shell, claude], registered: [outer] }));
    expect(found).toMatchObject({ session: "claude-2t-rt", agent: "claude", pid: 101 });
  });

  test("a registered process of another tool counts as an agent", () => {
    const tool: Ancestor = { pid: 500, started: 5000, name: "mytool", args: ["mytool"] };
    const known = registered(tool, "my-session", "mytool");
    expect(whoAmI(facts({ env, ancestors: [shell, tool, claude], registered: [known] }))).toMatchObject({
      ...{ session: "my-session", agent: "mytool", pid: 500 },
    });
  });

  test("a registration counts only for that very process: same pid, start and place", () => {
    for (const wrong of [{ pid: 901 }, { pid_started: 1 }, { place: "elsewhere" }])
      expect(whoAmI(facts({ registered: [{ ...registered(shell, "old", "tool"), ...wrong }] })).session).toBe("ann");
  });

  test("a person's registered shell does not make an agent of what runs in it", () => {
    expect(whoAmI(facts({ registered: [registered(shell, "boss", "human")] }))).toMatchObject({ agent: "human" });
  });

  test.each(["../../etc", "a b", ".x", "x".repeat(129), "con", ""])(
    "a variable that holds %j is no session id, and is passed over",
    (value) => {
      const found = whoAmI(facts({ env: { CODEX_THREAD_ID: value }, ancestors: [codex] }));
      expect(found.session).toBe("codex-5k-1jk");
    },
  );

  test.each(["../../etc", "a/b", "con"])("a registration whose session is %j does not make us that", (session_id) => {
    const tool: Ancestor = { pid: 500, started: 5000, name: "mytool", args: ["mytool"] };
    const forged = registered(tool, session_id, "mytool");
    const { session } = whoAmI(facts({ ancestors: [tool], registered: [forged] }));
    expect(session).not.toBe(session_id);
  });

  test("the pid that a host's variable gives is taken if it is above us", () => {
    const wrapper: Ancestor = { pid: 99, started: 990, name: "sh", args: ["sh"] };
    expect(whoAmI(facts({ env: { CLAUDE_PID: "99" }, ancestors: [claude, wrapper] })).pid).toBe(99);
    expect(whoAmI(facts({ env: { CLAUDE_PID: "12345" }, ancestors: [claude] })).pid).toBe(100);
    expect(whoAmI(facts({ env: { CLAUDE_PID: "nonsense" }, ancestors: [claude] })).pid).toBe(100);
  });
});

describe("by variables alone", () => {
  test("one host's session variable is enough where ancestors cannot be seen", () => {
    const found = whoAmI(facts({ env: { CODEX_THREAD_ID: "t-1" }, ancestors: [] }));
    expect(found).toMatchObject({ session: "t-1", agent: "codex", pid: 0 });
  });

  test("its pid variable gives the pid there", () => {
    const found = whoAmI(facts({ env: { CLAUDE_CODE_SESSION_ID: "c", CLAUDE_PID: "4242" }, ancestors: [] }));
    expect(found).toMatchObject({ session: "c", pid: 4242 });
  });

  test.each(["-5", "1.5", "1e99", "nonsense", "0"])("a pid variable of %j is no pid", (CLAUDE_PID) => {
    expect(whoAmI(facts({ env: { CLAUDE_CODE_SESSION_ID: "c", CLAUDE_PID }, ancestors: [] })).pid).toBe(0);
  });

  test("the marks of two hosts are `usage`, and say which and what to do", () => {
    const both = () => whoAmI(facts({ env, ancestors: [] }));
    expect(both).toThrow(expect.objectContaining({ code: "usage", next: expect.stringContaining("--session") }));
    expect(both).toThrow(/claude and codex both left variables here/);
  });

  test("a host that does not say which session is named by the terminal's first process", () => {
    const found = whoAmI(facts({ env: { CURSOR_AGENT: "1" }, ancestors: [], leader: shell }));
    expect(found).toMatchObject({ session: "cursor-p0-6y0", agent: "cursor", pid: 900 });
  });

  test("without a terminal that is `usage`", () => {
    const lost = () => whoAmI(facts({ env: { CURSOR_AGENT: "1" }, ancestors: [] }));
    expect(lost).toThrow(expect.objectContaining({ code: "usage" }));
  });
});

describe("a person", () => {
  test("who named another's session once, by a flag or a variable, was that agent in the terminal from then on", () => {
    for (const named of [{ session: "gemini-1", agent: "gemini" }, { env: { AGENT_RELAY_SESSION: "claude-2" } }])
      expect(whoAmI(facts({ ...named, ancestors: [shell], leader: shell }))).toMatchObject({ pid: 0 });
    expect(whoAmI(facts({ session: "bot", agent: "bot", pid: 900, leader: shell })), "who says so").toMatchObject({
      pid: 900,
    });
    const program = { ...shell, name: "my-agent" };
    expect(whoAmI(facts({ session: "bot", agent: "bot", leader: program })), "no shell").toMatchObject({ pid: 900 });
    expect(whoAmI(facts({ session: "ann", leader: shell })), "a person's own").toMatchObject({
      agent: "human",
      pid: 900,
    });
  });

  test("no agent above and no variable: the user, as human, with the terminal's pid", () => {
    expect(whoAmI(facts({ leader: shell }))).toMatchObject({ session: "ann", agent: "human", pid: 900 });
  });

  test.each([
    ["Ann Lee", "ann-lee"],
    ["DOMAIN\\ann", "domain-ann"],
    ["..", "person"],
    ["", "person"],
    ["all", "person"],
    ["ALL", "person"],
    ["con", "person"],
    ["アン", "person"],
    ["x".repeat(300), "person"],
  ])("the user %j is the session %s", (user, session) => {
    expect(whoAmI(facts({ user })).session).toBe(session);
  });
});
