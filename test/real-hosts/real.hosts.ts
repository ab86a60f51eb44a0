import { describe, expect, test } from "vitest";
import { FILE, MAIL, oneRun, REASON, twoRuns } from "./conversation.ts";
import { ON_CLAUDE_SETTINGS, REAL_HOSTS } from "./hosts.ts";
import { outcomeOf } from "./outcome.ts";
import { copies, tellings } from "./requests.ts";

const guests = ON_CLAUDE_SETTINGS.filter(({ takes }) => takes !== undefined);

describe.each([...REAL_HOSTS, ...guests])("$name as it is published, offline, run for each prompt", (host) => {
  const outcome = outcomeOf(host, (at) => twoRuns(host, at));

  test("it works through both prompts, and stops by itself", () => {
    const { at, was } = outcome();
    expect(was.codes).toEqual([0, 0]);
    expect(at.stub.faults).toEqual([]);
    expect(at.stub.left, "steps that the model was not asked for").toBe(0);
  });

  test("setup did all the installing, and takes it away again", () => {
    expect(outcome().was.status).toEqual(["", ` M ${FILE}\n`]);
  });

  test("mail that waited is in the first request", () => {
    const [request] = outcome().was.first;
    expect(copies(request, `You are ${host.name}-`)).toBe(1);
    expect(copies(request, MAIL.start)).toBe(1);
  });

  test("mail that came while a tool ran is in the next request", () => {
    expect(outcome().was.asked.map((request) => copies(request, MAIL.tool))).toEqual([0, 1, 1, 1]);
  });

  test("an edit of what another has claimed is not made, and the model is told why", () => {
    const { asked, denied } = outcome().was;
    expect(denied).toBe("before\n");
    expect(asked.map((request) => copies(request, REASON))).toEqual([0, 0, 1, 1]);
  });

  test("the same edit is made when nobody claims the file any more, and is noted", async () => {
    const { at, was } = outcome();
    expect(was.edited).toBe("after\n");
    const { entries } = JSON.parse(await at.relay("activity", "--json"));
    const edits = entries.filter(({ event, session_id }: Entry) => event === "edit" && session_id === was.session);
    expect(copies(JSON.stringify(edits), FILE)).toBe(1);
  });

  test("a direct message holds the end of the turn once, and then it ends", () => {
    expect(outcome().was.held.map((request) => copies(request, MAIL.hold))).toEqual([host.holds]);
  });

  test("mail that came between two runs is in the request of the second", () => {
    expect(outcome().was.second.map((request) => copies(request, MAIL.prompt))).toEqual([1]);
  });

  test("nothing is told twice, however often the host repeats what it was told", () => {
    const { first, second } = outcome().was;
    expect(copies(first.at(-1), MAIL.start)).toBe(1);
    for (const text of Object.values(MAIL)) expect(tellings(second.at(-1), text), text).toBeLessThanOrEqual(1);
  });

  test("whoever wrote it sees that it was read", async () => {
    const { at, was } = outcome();
    expect(was.ids.size).toBe(4);
    for (const [text, id] of was.ids) {
      const { record } = JSON.parse(await at.relay("explain", id, "--json"));
      expect(record.read_by, text).toContain(was.session);
    }
  });

  test("when it is over nobody takes it for present", async () => {
    const agents: readonly Entry[] = JSON.parse(await outcome().at.relay("agents", "--json"));
    expect(agents.filter(({ presence }) => presence !== "gone").map(({ session_id }) => session_id)).toEqual(["bob"]);
  });
});

describe.each(REAL_HOSTS)("$name as it is published, offline, in one process for all prompts", (host) => {
  const outcome = outcomeOf(host, (at) => oneRun(host, at));
  const inEach = (text: string) => outcome().was.map((request) => copies(request, text));

  test("mail that waited is in the first request, and once in the whole conversation", () => {
    expect(outcome().at.stub.faults).toEqual([]);
    expect(inEach(MAIL.start)).toEqual([1, 1, 1, 1]);
  });

  test("between two prompts it can be written to, and that is in the request for the second", () => {
    expect(inEach(MAIL.prompt)).toEqual([0, 1, 1, 1]);
  });

  test("a direct message holds the end of a turn once, and of no other", () => {
    expect(inEach(MAIL.hold)).toEqual([0, 0, host.holds, host.holds]);
  });
});

interface Entry {
  readonly event: string;
  readonly session_id: string;
  readonly presence: string;
}
