import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from "vitest";
import { Case } from "./case.ts";
import { type Conversation, converse, FILE, MAIL, REASON } from "./conversation.ts";
import { REAL_HOSTS } from "./hosts.ts";
import { whyNotIsolated } from "./namespace.ts";
import { installed } from "./packages.ts";

const whyNot = whyNotIsolated();

describe.each(REAL_HOSTS)("$name as it is published, offline", (host) => {
  let skipped = whyNot;
  let at: Case;
  let was: Conversation;
  let isKept = true; // until all is well
  const status: string[] = [];

  beforeAll(async () => {
    const program = skipped === undefined ? installed(host.name, host.spec) : { whyNot: skipped };
    if ("whyNot" in program) {
      skipped = program.whyNot;
      console.log(`${host.name}: skipped: ${skipped}`);
      return;
    }
    at = new Case(host, program.folder);
    await at.open();
    const look = async () => status.push(await at.git("status", "--porcelain", "--untracked-files=all"));
    await look();
    await at.relay("setup", host.name);
    was = await converse(host, at);
    await at.relay("setup", "--remove");
    await look();
    isKept = false;
  });

  beforeEach((context) => {
    context.skip(skipped !== undefined, skipped);
    onTestFailed(() => {
      isKept = true;
    });
  });

  afterAll(() => {
    at?.close();
    if (!isKept) at.remove();
    else if (at) console.log(`${host.name}: its requests and all that it wrote are in ${at.folder}\n${at.said}`);
  });

  test("it works through both prompts, and stops by itself", () => {
    expect(was.codes).toEqual([0, 0]);
    expect(at.stub.faults).toEqual([]);
    expect(at.stub.left, "steps that the model was not asked for").toBe(0);
  });

  test("setup did all the installing, and takes it away again", () => {
    expect(status).toEqual(["", ` M ${FILE}\n`]);
  });

  test("mail that waited is in the first request", () => {
    expect(copies(was.first[0], `You are ${host.name}-`)).toBe(1);
    expect(copies(was.first[0], MAIL.start)).toBe(1);
  });

  test("mail that came while a tool ran is in the next request", () => {
    expect(was.asked.map((request) => copies(request, MAIL.tool))).toEqual([0, 1, 1, 1]);
  });

  test("an edit of what another has claimed is not made, and the model is told why", () => {
    expect(was.denied).toBe("before\n");
    expect(was.asked.map((request) => copies(request, REASON))).toEqual([0, 0, 1, 1]);
  });

  test("the same edit is made when nobody claims the file any more, and is noted", async () => {
    expect(was.edited).toBe("after\n");
    const { entries } = JSON.parse(await at.relay("activity", "--json"));
    const edits = entries.filter(({ event, session }: Entry) => event === "edit" && session === was.session);
    expect(JSON.stringify(edits).split(FILE).length - 1).toBe(1);
  });

  test("a direct message holds the end of the turn once, and then it ends", () => {
    expect(was.held.map((request) => copies(request, MAIL.hold))).toEqual([host.holds]);
  });

  test("mail that came between two prompts is in the request for the second", () => {
    expect(was.second.map((request) => copies(request, MAIL.prompt))).toEqual([1]);
  });

  test("nothing is told twice, however often the host repeats what it was told", () => {
    expect(copies(was.first.at(-1), MAIL.start)).toBe(1);
    for (const text of Object.values(MAIL)) expect(tellings(was.second.at(-1), text), text).toBeLessThanOrEqual(1);
  });

  test("whoever wrote it sees that it was read", async () => {
    for (const [text, id] of Object.entries(was.ids)) {
      const { record } = JSON.parse(await at.relay("explain", id, "--json"));
      expect(record.read_by, text).toContain(was.session);
    }
  });

  test("when it is over nobody takes it for present", async () => {
    const agents: readonly Entry[] = JSON.parse(await at.relay("agents", "--json"));
    expect(agents.filter(({ presence }) => presence !== "gone").map(({ session_id }) => session_id)).toEqual(["bob"]);
  });
});

interface Entry {
  readonly event: string;
  readonly session: string;
  readonly session_id: string;
  readonly presence: string;
}

/** How often a text is in what the model was sent. */
function copies(request = "", text: string): number {
  return request.split(text).length - 1;
}

/** In how many of our blocks it is: the host may repeat a block, and its closing word with it. */
function tellings(request = "", text: string): number {
  const blocks = request.matchAll(/ends at (\w{6})\](.*?)\[\1\]/g);
  return new Set([...blocks].filter(([, , inside]) => inside?.includes(text)).map(([, word]) => word)).size;
}
