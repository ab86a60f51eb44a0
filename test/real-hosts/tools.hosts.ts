import { describe, expect, test } from "vitest";
import { INSTRUCTIONS } from "../../src/mcp/server.ts";
import { toolsAlone, toolsAndHooks, WORDS, type Work } from "./by-tools.ts";
import { REAL_HOSTS, type RealHost } from "./hosts.ts";
import { outcomeOf } from "./outcome.ts";
import type { Case } from "./project.ts";
import { copies, tellings } from "./requests.ts";

describe.each(REAL_HOSTS)("$name as it is published, offline, with hooks and the MCP server", (host) => {
  const outcome = outcomeOf(host, (at) => toolsAndHooks(host, at));

  test("setup, and what it says to type, did all the installing, and takes it away again", () => ran(outcome()));

  test("the model is told of the tools, or of their server, in the first request", () => offered(host, outcome()));

  test("a message that the model sends is in the relay, from the session that the hooks are of", () => {
    const { present, heard, turns } = outcome().was;
    const [session] = sessions(present[0]);
    expect(heard).toMatchObject([{ from_session: session, content: WORDS.sent }]);
    expect(copies(turns[1], " sent to ")).toBe(1);
  });

  test("it is one session, however it is called", () => {
    const [first, ...later] = outcome().was.present.slice(0, -1);
    expect(first).toMatchObject([{ agent_id: host.name, presence: "active" }]);
    expect(later.map(sessions)).toEqual([sessions(first), sessions(first)]);
  });

  test("what came while the model thought it reads by a tool, in the frame, and no hook tells it again", () => {
    const { turns, unread } = outcome().was;
    expect(turns.map((request) => copies(request, WORDS.meanwhile))).toEqual([0, 0, 1]);
    expect(tellings(turns[2], WORDS.meanwhile)).toBe(1);
    expect(unread).toBe("0");
  });
});

describe.each(REAL_HOSTS)("$name as it is published, offline, with the MCP server alone", (host) => {
  const outcome = outcomeOf(host, (at) => toolsAlone(host, at));

  test("setup, and what it says to type, did all the installing, and takes it away again", () => ran(outcome()));

  test("the model is told of the tools, or of their server, in the first request", () => offered(host, outcome()));

  test("before its first call it is nobody yet or has come, then it is that one session, which is gone with its process", () => {
    const { present } = outcome().was;
    const [before, first, second, after] = present;
    expect([[], sessions(first)]).toContainEqual(sessions(before));
    expect(first).toMatchObject([{ agent_id: host.name, presence: "active" }]);
    expect(sessions(second)).toEqual(sessions(first));
    expect(after).toMatchObject([{ session_id: sessions(first)[0], presence: "gone" }]);
  });

  test("it is the host's own session where a server is told of that, else named by the host's process", () => {
    const { at, was } = outcome();
    const [[me] = []] = was.present.slice(1);
    const [, session = "nobody", agent] = /You are \S+ \(session (\S+), (\w+)\)/.exec(was.turns[1] ?? "") ?? [];
    expect([session, agent]).toEqual([me?.session_id, host.name]);
    if (host.namesSession) expect(at.keeps(session), session).toBe(true);
    else expect(session).toMatch(new RegExp(`^${host.name}-${me?.pid.toString(36)}-[0-9a-z]+$`));
  });

  test("the result of another tool says that mail waits", () => {
    expect(outcome().was.turns.map((request) => copies(request, "1 unread: call inbox"))).toEqual([0, 1, 1]);
  });

  test("mail is put before the model when it asks for it, in the frame, and is read then", () => {
    const { turns, unread } = outcome().was;
    expect(turns.map((request) => copies(request, WORDS.start))).toEqual([0, 0, 1]);
    expect(tellings(turns[2], WORDS.start)).toBe(1);
    expect(unread).toBe("0");
  });
});

function ran({ at, was }: { at: Case; was: Work }): void {
  expect(at.stub.faults).toEqual([]);
  expect(was.code).toBe(0);
  expect(at.stub.left, "steps that the model was not asked for").toBe(0);
  expect(was.status).toEqual(["", ""]);
}

function offered(host: RealHost, { was }: { was: Work }): void {
  const [first] = was.turns;
  const { tool, space } = { space: undefined, ...host.mcp("send", {}) };
  expect(copies(first, space ?? tool ?? "")).toBe(1);
  expect(copies(first, INSTRUCTIONS.slice(0, 200))).toBe(host.instructs ? 1 : 0);
}

function sessions(present: Work["present"][number] = []): string[] {
  return present.map(({ session_id }) => session_id);
}
