import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { shortId } from "../../src/id.ts";
import type { Claim } from "../../src/index.ts";
import type { Task } from "../../src/tasks/task.ts";
import { iso } from "../../src/time.ts";
import { framed, hereOnly, isOverHttp, Story, tempDir } from "../support/cli.ts";
import { killed, living } from "../support/living-process.ts";

const MINUTE = 60_000;
const hasGit = canRun("git");

function canRun(program: string): boolean {
  try {
    execFileSync(program, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Puts a task on the board, a moment after the last one. */
async function add(story: Story, title: string, ...flags: string[]): Promise<Task> {
  story.now += 1;
  return story.json<Task>("a", "task", "add", title, ...flags);
}

/** What the record on disk says. */
function recordOf({ cwd }: Story, { id }: Task): Task {
  return JSON.parse(fs.readFileSync(`${cwd}/.relay/tasks/${id}.json`, "utf8"));
}

async function titles(story: Story, ...flags: string[]): Promise<string[]> {
  return (await story.json<{ tasks: Task[] }>("z", "task", "list", ...flags)).tasks.map(({ title }) => title);
}

async function heldFiles(story: Story): Promise<string[]> {
  const claims = await story.json<Claim[]>("z", "claims");
  return claims.flatMap(({ session_id, targets }) =>
    targets.map((target) => `${session_id} ${"path" in target ? target.path : ""}`),
  );
}

/** A session registered with a process of its own, which lives until it is killed. */
async function withProcess(story: Story, session: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"], { stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "spawn");
  await story.as(session, "register", "--name", session, "--pid", String(child.pid));
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

describe("from the board to done", () => {
  test("a task is added, taken, worked on and done, and each step says what comes next", async () => {
    const story = new Story();
    await story.as("a", "register", "--name", "ann");
    await story.as("b", "register", "--name", "bob");
    const added = await story.as("a", "task", "add", "Parse headers", "--file", "src/parse.ts", "--priority", "5");
    expect(added).toMatchObject({ code: 0, err: "", out: expect.stringMatching(/^Added [0-9a-z]{6}\n$/) });
    const id = added.out.slice("Added ".length, -1);
    expect(framed((await story.as("b", "task", "list")).out)).toBe(
      `TASK\tSTATE\tPRIORITY\tFILES\tTITLE\n${id}\tpending\t5\tsrc/parse.ts\tParse headers`,
    );
    const next = await story.as("b", "task", "next");
    expect(next).toMatchObject({ code: 0, err: "" });
    const [first, ...rest] = next.out.trimEnd().split("\n");
    expect(first).toBe(`Yours for 30m, its files not claimed (--claim-files): ${id}`);
    expect(rest.pop()).toBe(`When it is done: agent-relay task done ${id}`);
    expect(framed(rest.join("\n"))).toBe("Parse headers\nfiles: src/parse.ts");
    story.now += 10 * MINUTE;
    expect((await story.as("b", "task", "list")).out).toContain("\tyou, 20m left\t5\t");
    expect((await story.as("a", "task", "list")).out).toContain("\tbob, 20m left\t5\t");
    expect((await story.as("b", "task", "done", id)).out).toBe(`Done: ${id}\n`);
    expect(await story.as("a", "task", "list")).toEqual({ code: 0, out: "", err: "No tasks\n" });
    expect((await story.as("a", "task", "list", "--all")).out).toContain(`${id}\tdone\t`);
  });

  test("--json prints the record as it is on disk, of each verb", async () => {
    const story = new Story();
    const task = await add(story, "Parse", "-d", "all of it", "-f", "a.ts", "b.ts", "-p", "-3");
    expect(task).toEqual(recordOf(story, task));
    expect(task).toMatchObject({ description: "all of it", files: ["a.ts", "b.ts"], priority: -3, state: "pending" });
    for (const args of [
      ["claim", task.id, "--ttl", "1h"],
      ["release", task.id, "--reason", "lunch"],
      ["block", task.id, "no", "key"],
      ["unblock", task.id],
      ["edit", task.id, "--title", "Parse it"],
      ["note", task.id, "half", "done"],
      ["show", task.id],
      ["next"],
    ])
      expect(await story.json("a", "task", ...args), args[0]).toEqual(recordOf(story, task));
    expect(await story.json("a", "task", "list")).toEqual({
      ...{ tasks: [recordOf(story, task)], has_more: false },
      ...{ abandoned: [], waits_for: {}, lost: {} },
    });
    const done = await story.json("a", "task", "done", task.id);
    expect(done).toEqual({ task: recordOf(story, task), ready: [] });
    const other = await add(story, "Other");
    expect(await story.json("a", "task", "cancel", other.id)).toEqual({ task: recordOf(story, other), ready: [] });
    expect(await story.json("a", "task", "list", "--all")).toEqual({
      tasks: [recordOf(story, other), recordOf(story, task)],
      ...{ has_more: false, abandoned: [], waits_for: {}, lost: {} },
    });
    expect(await story.as("a", "task", "next", "--json")).toMatchObject({ code: 3, out: "null\n" });
  });

  test("show tells the whole of it: description, notes and by whom", async () => {
    const story = new Story();
    await story.as("a", "register", "--name", "ann");
    await story.as("b", "register", "--name", "bob");
    const task = await add(story, "Parse", "--description", "all\nof it");
    await story.as("b", "task", "note", task.id, "half", "done");
    story.stdin = "from\nstdin";
    await story.as("b", "task", "note", task.id, "-");
    story.now += 2 * MINUTE;
    expect(framed((await story.as("a", "task", "show", task.id)).out)).toBe(
      `${shortId(task.id)} [pending] Parse\nadded by ann 2m ago, changed 2m ago\n  all\n  of it\n` +
        "note by bob 2m ago: half done\nnote by bob 2m ago: from\n  stdin",
    );
  });

  test("cancelling what another works on was silent, and done named the task that one has", async () => {
    const story = new Story();
    await story.as("b", "register", "--name", "bob");
    const task = await add(story, "one", "--file", "src/one.ts");
    expect((await story.as("b", "task", "done")).err).toMatch(/^Cannot tell which task is meant: you work on none\n/);
    await story.as("b", "task", "next", "--claim-files");
    expect((await story.as("a", "task", "cancel", "one")).out).toBe(
      `Cancelled: ${shortId(task.id)}; its files are given back; bob, who had it, is told\n`,
    );
    const two = await add(story, "two");
    await story.as("b", "task", "next");
    expect((await story.as("b", "task", "done")).out).toBe(`Done: ${shortId(two.id)}\n`);
    for (const title of ["three", "four"]) {
      await add(story, title);
      await story.as("b", "task", "next");
    }
    expect((await story.as("b", "task", "release")).err).toMatch(
      /you work on 2\nTry: agent-relay task release \w{6}\n$/,
    );
  });

  test("release gives it back, cancel ends it, unblock lets it go on; a reason is kept", async () => {
    const story = Story.ofOneUser();
    const task = await add(story, "Parse");
    await story.as("b", "task", "claim", task.id);
    expect((await story.as("b", "task", "release", task.id, "--reason", "no time")).out).toBe(
      `Released ${shortId(task.id)}\n`,
    );
    expect(recordOf(story, task)).toMatchObject({ state: "pending", reason: "no time" });
    expect((await story.as("c", "task", "claim", task.id)).code).toBe(0);
    expect(recordOf(story, task).owner).toMatchObject({ session_id: "c", token: 2 });
    expect((await story.as("c", "task", "block", task.id, "no", "key")).out).toBe(`Blocked ${shortId(task.id)}\n`);
    expect((await story.as("b", "task", "list")).out).toContain("\tblocked: no key\t-\t-\tParse");
    expect((await story.as("b", "task", "unblock", task.id)).out).toBe(`Unblocked ${shortId(task.id)}\n`);
    expect((await story.as("b", "task", "cancel", task.id, "--reason", "not needed")).out).toBe(
      `Cancelled: ${shortId(task.id)}\n`,
    );
    expect(recordOf(story, task)).toMatchObject({ state: "cancelled", reason: "not needed" });
  });

  test("edit changes what it says and where it stands, and a circle is refused and named", async () => {
    const story = new Story();
    const [one, two] = [await add(story, "one"), await add(story, "two", "--after", "one")];
    await story.as("a", "task", "edit", "two", "--title", "second", "--priority", "7", "--description", "more");
    expect(recordOf(story, two)).toMatchObject({ title: "second", priority: 7, description: "more" });
    expect(await titles(story)).toEqual(["second", "one"]);
    const circle = await story.as("a", "task", "edit", "one", "--after", "second");
    expect(circle).toEqual({
      ...{ code: 4, out: "" },
      err: `Cannot let "${shortId(one.id)}" wait for itself: ${shortId(one.id)} waits for ${shortId(two.id)} waits for ${shortId(one.id)}\nTry: agent-relay task show ${shortId(two.id)}\n`,
    });
    expect((await story.as("a", "task", "edit", "one", "--after", "one")).code).toBe(4);
    expect(recordOf(story, one).depends_on).toEqual([]);
    expect((await story.as("a", "task", "edit", "one", "--title", "")).code, "an empty title").toBe(2);
  });
});

describe("exit codes", () => {
  test("3 for no task ready and an unknown one, 4 for what its state forbids, 6 for another's, 2 for what cannot be meant, 7 for too much", async () => {
    const story = new Story();
    const task = await add(story, "Parse");
    await story.as("b", "task", "claim", task.id);
    const other = await add(story, "Blocked one");
    await story.as("a", "task", "block", other.id, "why");
    const codes: [code: number, ...args: string[]][] = [
      [3, "next"],
      [3, "show", "task-none"],
      [3, "done", "no such title"],
      [3, "add", "x", "--after", "no such title"],
      [4, "claim", task.id],
      [4, "claim", other.id],
      [4, "done", other.id],
      [4, "unblock", task.id],
      [6, "done", task.id],
      [6, "release", task.id],
      [6, "block", task.id, "why"],
      [6, "edit", task.id, "--priority", "1"],
      [6, "cancel", task.id],
      [6, "claim", task.id, "--force"],
      [2, "add", ""],
      [2, "add", "two\nlines"],
      [2, "add", "x", "--priority", "high"],
      [2, "add", "x", "--priority", "10000"],
      [2, "add", "x", "--file", ""],
      [2, "claim", task.id, "--ttl", "9s"],
      [2, "claim", task.id, "--ttl", "9h"],
      [2, "next", "--ttl", "soon"],
      [2, "block", other.id, " "],
      [2, "note", other.id, " "],
      [2, "list", "--ready", "--all"],
      [2, "list", "--limit", "0"],
      [2, "claim"],
      [2, "frobnicate"],
      [7, "add", "x".repeat(201)],
      [7, "add", "x", "--description", "x".repeat(16_385)],
      [7, "note", other.id, "x".repeat(16_385)],
    ];
    const before = [recordOf(story, task), recordOf(story, other)];
    for (const [code, ...args] of codes) {
      const ran = await story.as("c", "task", ...args);
      expect([ran.code, ran.out], `task ${args.join(" ").slice(0, 60)}: ${ran.err}`).toEqual([code, ""]);
      expect(ran.err).not.toContain("has a bug");
    }
    expect([recordOf(story, task), recordOf(story, other)]).toEqual(before);
    expect(await titles(story, "--all"), "nothing was added").toHaveLength(2);
    const asJson = await story.as("c", "task", "done", task.id, "--json");
    expect(JSON.parse(asJson.err)).toMatchObject({
      error: { code: "refused", next: expect.stringMatching(/^agent-relay/) },
    });
  });

  hereOnly("none of those who only look makes a relay", async () => {
    const story = new Story();
    for (const args of [["list"], ["list", "--ready"], ["list", "--all"], ["show", "x"], ["next"], ["done", "x"]])
      await story.as("a", "task", ...args);
    expect(fs.existsSync(`${story.cwd}/.relay`)).toBe(false);
  });
});

describe("agent-sync's scenarios", () => {
  test("130: a task is made with its files", async () => {
    const story = new Story();
    const task = await add(story, "Parse", "--file", "src/a.ts", "--file", "docs/**");
    expect(recordOf(story, task).files).toEqual(["src/a.ts", "docs/**"]);
  });

  test("131: claiming makes the claimer its owner, and all can see who works on what", async () => {
    const story = new Story();
    const task = await add(story, "Parse");
    await story.as("b", "task", "claim", task.id);
    expect(recordOf(story, task)).toMatchObject({ state: "in_progress", owner: { session_id: "b", token: 1 } });
    expect((await story.as("b", "task", "list")).out).toContain("\tyou, 30m left\t");
  });

  test("132: a title means its task in any case", async () => {
    const story = new Story();
    const task = await add(story, "Parse Headers");
    expect((await story.json<Task>("b", "task", "claim", "parse HEADERS")).id).toBe(task.id);
  });

  test("133: who works on it is not robbed", async () => {
    const story = new Story();
    const task = await add(story, "Parse");
    await story.as("b", "register", "--name", "bob");
    await story.as("b", "task", "claim", task.id);
    expect(await story.as("c", "task", "claim", task.id)).toEqual({
      ...{ code: 4, out: "" },
      err: `Cannot claim "${shortId(task.id)}": bob has it until 2026-05-01T12:30:00Z\nTry: agent-relay task next\n`,
    });
  });

  test("134: what an owner let run out is another's, under the next token", async () => {
    const story = new Story();
    const task = await add(story, "Parse");
    await story.as("b", "task", "claim", task.id, "--ttl", "10m");
    story.now += 10 * MINUTE;
    expect((await story.json<Task>("c", "task", "claim", task.id)).owner).toMatchObject({ session_id: "c", token: 2 });
    expect((await story.as("b", "task", "done", task.id)).code, "it is no longer his").toBe(6);
  });

  test("135: what is done is worked on by nobody, and cannot be done again", async () => {
    const story = new Story();
    const task = await add(story, "Parse");
    await story.as("b", "register", "--name", "bob");
    await story.as("b", "task", "claim", task.id);
    await story.as("b", "task", "done", task.id);
    expect((await story.as("z", "task", "list")).err).toBe("No tasks\n");
    expect(await story.as("b", "task", "done", task.id)).toMatchObject({ code: 4, out: "" });
    expect((await story.as("c", "task", "claim", task.id)).err).toContain("it is done by bob");
  });

  test("136: blocking says why", async () => {
    const story = new Story();
    const task = await add(story, "Parse");
    await story.as("b", "task", "block", task.id, "no", "key");
    expect(recordOf(story, task)).toMatchObject({ state: "blocked", reason: "no key" });
    expect((await story.as("b", "task", "claim", task.id)).err).toContain("it is blocked: no key");
  });

  test("137: a title that two have means neither, until one of them is over", async () => {
    const story = Story.ofOneUser();
    const [one, two] = [await add(story, "Parse"), await add(story, "PARSE")];
    const ran = await story.as("b", "task", "claim", "parse");
    expect(ran).toMatchObject({ code: 2, out: "" });
    for (const { id } of [one, two]) expect(ran.err).toContain(id);
    await story.as("b", "task", "cancel", one.id);
    expect((await story.json<Task>("b", "task", "claim", "parse")).id).toBe(two.id);
  });

  test("138: next goes by priority, then by age", async () => {
    const story = new Story();
    for (const [title, priority] of [
      ["low", "-1"],
      ["old", "5"],
      ["new", "5"],
      ["top", "9"],
      ["plain", "0"],
    ] as const)
      await add(story, title, "--priority", priority);
    const order: string[] = [];
    for (let index = 0; index < 5; index++) order.push((await story.json<Task>("b", "task", "next")).title);
    expect(order).toEqual(["top", "old", "new", "plain", "low"]);
  });

  test("139: next on an empty board takes nothing and says so", async () => {
    const story = new Story();
    expect(await story.as("b", "task", "next")).toEqual({
      ...{ code: 3, out: "" },
      err: "No task is ready\nTry: agent-relay task list\n",
    });
  });

  test("140: next passes by what somebody works on, also oneself", async () => {
    const story = new Story();
    await add(story, "first");
    await add(story, "second");
    expect((await story.json<Task>("b", "task", "next")).title).toBe("first");
    expect((await story.json<Task>("b", "task", "next")).title).toBe("second");
    expect((await story.as("b", "task", "next")).code).toBe(3);
    expect((await story.as("c", "task", "next")).code).toBe(3);
  });

  test("141: next takes up what its owner left, at once when its process was killed, and by its priority", async () => {
    const story = Story.ofOneUser();
    const left = await add(story, "left", "--priority", "2");
    await add(story, "fresh", "--priority", "1");
    const child = await withProcess(story, "b");
    expect((await story.json<Task>("b", "task", "next", "--ttl", "8h")).id).toBe(left.id);
    expect(await titles(story, "--ready")).toEqual(["fresh"]);
    await kill(child);
    expect(await titles(story, "--ready")).toEqual(["left", "fresh"]);
    const taken = await story.json<Task>("c", "task", "next");
    expect(taken).toMatchObject({ id: left.id, owner: { session_id: "c", token: 2 } });
  });

  test("142: next never takes what an owner who is only idle has, until the lease ends", async () => {
    const story = new Story();
    await add(story, "slow");
    await withProcess(story, "b");
    await story.as("b", "task", "next", "--ttl", "2h");
    story.now += 120 * MINUTE - 1;
    expect((await story.as("c", "agents")).out).toContain("idle");
    expect((await story.as("c", "task", "next")).code).toBe(3);
    story.now += 1;
    expect((await story.as("c", "task", "list")).out).toContain("abandoned by b");
    expect((await story.json<Task>("c", "task", "next")).title).toBe("slow");
  });

  test("143: next passes by what is blocked and what is done", async () => {
    const story = new Story();
    await add(story, "stuck", "--priority", "9");
    await story.as("b", "task", "block", "stuck", "why");
    await add(story, "over", "--priority", "8");
    await story.as("b", "task", "next");
    await story.as("b", "task", "done", "over");
    await add(story, "free");
    expect((await story.json<Task>("b", "task", "next")).title).toBe("free");
    await story.as("b", "task", "unblock", "stuck");
    expect((await story.json<Task>("b", "task", "next")).title).toBe("stuck");
  });

  test("144: what a task depends on is recorded and shown", async () => {
    const story = new Story();
    const [one, two] = [await add(story, "one"), await add(story, "two")];
    const three = await add(story, "three", "--after", one.id, "--after", two.id, "--after", one.id);
    expect(recordOf(story, three).depends_on).toEqual([one.id, two.id]);
    expect((await story.as("b", "task", "list")).out).toContain(
      `\tpending, after ${shortId(one.id)} ${shortId(two.id)}\t-\t-\tthree\n`,
    );
  });

  test("145: a dependency that nobody knows is refused, and nothing is added", async () => {
    const story = new Story();
    await add(story, "one");
    expect(await story.as("a", "task", "add", "two", "--after", "task-zero")).toMatchObject({ code: 3, out: "" });
    expect(await titles(story)).toEqual(["one"]);
  });

  test("146: a dependency can be named by its title, or the beginning of its id", async () => {
    const story = new Story();
    const one = await add(story, "First Thing");
    const two = await add(story, "two", "--after", "first thing");
    const three = await add(story, "three", "--after", two.id.slice(0, -3));
    expect([two.depends_on, three.depends_on]).toEqual([[one.id], [two.id]]);
  });

  test("147: next passes by what waits, whatever its priority", async () => {
    const story = new Story();
    await add(story, "one");
    await add(story, "two", "--after", "one", "--priority", "9");
    expect(await titles(story, "--ready")).toEqual(["one"]);
    expect(await titles(story)).toEqual(["two", "one"]);
    expect((await story.json<Task>("b", "task", "next")).title).toBe("one");
    expect((await story.as("c", "task", "next")).code).toBe(3);
  });

  test("148: completing tells what became ready, and that only", async () => {
    const story = new Story();
    for (const title of ["one", "other"]) await add(story, title);
    const two = await add(story, "two", "--after", "one");
    await add(story, "both", "--after", "one", "other");
    await add(story, "stuck", "--after", "one");
    await story.as("a", "task", "block", "stuck", "why");
    const one = await story.json<Task>("b", "task", "claim", "one");
    expect((await story.as("b", "task", "done", "one")).out).toBe(
      `Done: ${shortId(one.id)}\nnow ready: ${shortId(two.id)} two\n`,
    );
    expect((await titles(story, "--ready")).sort()).toEqual(["other", "two"]);
    await story.as("b", "task", "claim", "other");
    const ended = await story.json<{ ready: Task[] }>("b", "task", "done", "other");
    expect(ended.ready.map(({ title }) => title)).toEqual(["both"]);
  });

  test("149: claiming what still waits needs --ignore-dependencies", async () => {
    const story = new Story();
    const one = await add(story, "one");
    const two = await add(story, "two", "--after", "one");
    expect(await story.as("b", "task", "claim", "two")).toEqual({
      ...{ code: 4, out: "" },
      err:
        `Cannot claim "${shortId(two.id)}": it waits for ${shortId(one.id)}\n` +
        `Try: agent-relay task show ${shortId(one.id)}, or take it all the same with --ignore-dependencies\n`,
    });
    expect((await story.as("b", "task", "claim", "two", "--ignore-dependencies")).code).toBe(0);
    expect((await story.as("b", "task", "done", "two")).code).toBe(0);
  });

  test("150: what was cancelled keeps nobody waiting, and cancelling tells what became ready", async () => {
    const story = Story.ofOneUser();
    const one = await add(story, "one");
    const two = await add(story, "two", "--after", "one");
    expect((await story.as("b", "task", "cancel", "one")).out).toBe(
      `Cancelled: ${shortId(one.id)}\nnow ready: ${shortId(two.id)} two\n`,
    );
    expect((await story.json<Task>("b", "task", "next")).title).toBe("two");
  });

  test("151: --claim-files claims its files for as long as the task, and done, release and block give them back", async () => {
    const story = new Story();
    await add(story, "Parse", "--file", "src/a.ts", "docs/**");
    for (const end of [["release"], ["block", "why"], ["done"]]) {
      expect((await story.as("b", "task", "claim", "parse", "--claim-files", "--ttl", "2h")).code).toBe(0);
      expect(await heldFiles(story)).toEqual(["b src/a.ts", "b docs/**"]);
      expect((await story.as("c", "claim", "src/a.ts")).err).toContain('(2h more): "task: Parse"');
      const [move = "", ...reason] = end;
      expect((await story.as("b", "task", move, "parse", ...reason)).code, move).toBe(0);
      expect(await heldFiles(story), move).toEqual([]);
      if (move === "block") await story.as("b", "task", "unblock", "parse");
    }
  });

  test("152: if another has one of its files, neither the task nor any file is taken; next passes it by", async () => {
    const story = new Story();
    const task = await add(story, "Parse", "--file", "src/a.ts", "docs/x.md", "--priority", "1");
    await add(story, "Other", "--file", "lib/b.ts");
    await story.as("c", "register", "--name", "cay");
    await story.as("c", "claim", "docs");
    const refused = await story.as("b", "task", "claim", "parse", "--claim-files");
    expect(refused).toMatchObject({ code: 4, out: "" });
    expect(refused.err).toBe(
      'Cannot claim "src/a.ts, docs/x.md": cay holds "docs" until 2026-05-01T12:30:00Z (30m more)\n' +
        'Try: agent-relay task next --claim-files, or agent-relay send --claim src/a.ts --claim docs/x.md "..."\n',
    );
    expect(recordOf(story, task).state).toBe("pending");
    expect(await heldFiles(story)).toEqual(["c docs"]);
    expect((await story.json<Task>("b", "task", "next", "--claim-files")).title).toBe("Other");
    expect(await heldFiles(story)).toEqual(["c docs", "b lib/b.ts"]);
    expect((await story.json<Task>("b", "task", "next")).title, "without its files").toBe("Parse");
  });
});

describe("files", () => {
  test("are given back if the task cannot be had, and what one held before stays one's own", async () => {
    const story = new Story();
    await add(story, "Parse", "--file", "src/a.ts");
    await story.as("b", "task", "claim", "parse");
    expect((await story.as("c", "task", "claim", "parse", "--claim-files")).code).toBe(4);
    expect(await heldFiles(story)).toEqual([]);

    await story.as("c", "claim", "src/a.ts", "--ttl", "8h", "--reason", "mine");
    const before = await story.json<Claim[]>("c", "claims");
    expect((await story.as("c", "task", "claim", "parse", "--claim-files")).code).toBe(4);
    expect(await story.json<Claim[]>("c", "claims"), "after a task that could not be had").toEqual(before);
    await story.as("b", "task", "release", "parse");
    expect((await story.as("c", "task", "claim", "parse", "--claim-files")).code).toBe(0);
    await story.as("c", "task", "done", "parse");
    expect(await heldFiles(story), "after a task that was done").toEqual(["c src/a.ts"]);
  });

  test("go to the next owner with the task, when the first was killed", async () => {
    const story = Story.ofOneUser();
    await add(story, "Parse", "--file", "src/a.ts");
    const child = await withProcess(story, "b");
    await story.as("b", "task", "next", "--claim-files", "--ttl", "8h");
    await kill(child);
    expect((await story.as("c", "task", "next", "--claim-files")).code).toBe(0);
    expect(await heldFiles(story)).toEqual(["c src/a.ts"]);
  });

  test("go to the next owner with the task, when a person takes it away", async () => {
    const story = new Story();
    await add(story, "Parse", "--file", "src/a.ts");
    await story.as("b", "task", "next", "--claim-files");
    story.isTerminal = true;
    const forced = await story.as(
      ...([
        undefined,
        "task",
        "claim",
        "parse",
        "--force",
        "--claim-files",
        "--session",
        "ann",
        "--agent",
        "human",
      ] as const),
    );
    expect(forced).toMatchObject({ code: 0 });
    expect(await heldFiles(story)).toEqual(["ann src/a.ts"]);
  });

  test("are renewed with the task, under the same claim", async () => {
    const story = new Story();
    await add(story, "Parse", "--file", "src/a.ts");
    await story.as("b", "task", "claim", "parse", "--claim-files");
    const [before] = await story.json<Claim[]>("b", "claims");
    story.now += 20 * MINUTE;
    await story.as("b", "task", "claim", "parse", "--claim-files", "--ttl", "1h");
    const [after, ...more] = await story.json<Claim[]>("b", "claims");
    expect(after).toMatchObject({ id: before?.id, token: before?.token, expires_at: iso(story.now + 60 * MINUTE) });
    expect(more).toEqual([]);
  });

  test.skipIf(!hasGit)("are the same from a linked worktree and from a subfolder", async () => {
    const base = tempDir();
    const git = (...args: string[]) =>
      execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.org", ...args], {
        cwd: base,
        stdio: "ignore",
      });
    git("init", "-q", "main");
    git("-C", "main", "commit", "-q", "--allow-empty", "-m", "first");
    git("-C", "main", "worktree", "add", "-q", "../other");
    const main = new Story(`${base}/main`);
    const other = new Story(`${base}/other`);
    fs.mkdirSync(`${base}/other/src`);
    const deep = new Story(`${base}/other/src`);
    const task = await add(main, "Parse", "--file", "src/a.ts");
    const same = await deep.json<Task>("a", "task", "add", "Same", "--file", "a.ts", "../docs/*.md");
    expect(same.files).toEqual(["src/a.ts", "docs/*.md"]);
    expect((await deep.json<Task>("b", "task", "claim", task.id, "--claim-files")).files).toEqual(["src/a.ts"]);
    expect(await heldFiles(main)).toEqual(["b src/a.ts"]);
    expect((await main.as("c", "claim", "src/a.ts")).code).toBe(4);
    expect((await other.as("c", "task", "claim", "same", "--claim-files")).code).toBe(4);
    await other.as("b", "task", "done", task.id);
    expect((await other.as("c", "task", "claim", "same", "--claim-files")).code).toBe(0);
    expect(await heldFiles(main)).toEqual(["c src/a.ts", "c docs/*.md"]);
  });
});

describe("those who are not the owner", () => {
  const person = ["--session", "ann", "--agent", "human"];

  test("--force is for a person on a terminal alone, and the loser is told by a message", async () => {
    for (const [args, says] of [
      [["claim"], "anna took over your task"],
      [["done"], "anna completed your task"],
      [["cancel"], "anna cancelled your task"],
      [["release"], "anna released your task"],
      [["block", "why"], "anna blocked your task"],
    ] as const) {
      const story = new Story();
      const task = await add(story, "Parse");
      await story.as(undefined, "register", "--name", "anna", ...person);
      await story.as("b", "task", "claim", task.id);
      const [move, ...more] = args;
      const forced = ["task", move, task.id, ...more, "--force"];
      expect((await story.as(undefined, ...forced, ...person)).code, "no terminal").toBe(6);
      story.isTerminal = true;
      expect((await story.as("claude-1", ...forced)).code, "an agent").toBe(6);
      expect(recordOf(story, task).owner?.session_id).toBe("b");
      expect(await story.as(undefined, ...forced, ...person), move).toMatchObject({ code: 0, err: "" });
      expect((await story.as("b", "inbox")).out).toContain(`${says} ${task.id} "Parse" (--force)`);
    }
  });

  test("forcing one's own tells nobody", async () => {
    const story = new Story();
    story.isTerminal = true;
    const task = await add(story, "Parse");
    await story.as(undefined, "task", "claim", task.id, ...person);
    expect((await story.as(undefined, "task", "done", task.id, "--force", ...person)).code).toBe(0);
    expect((await story.as("ann", "unread")).out).toBe("0\n");
  });

  test("whoever made a task may take it off the board while another works on it; others may only note", async () => {
    const story = new Story();
    const task = await add(story, "Parse");
    await story.as("b", "task", "claim", task.id);
    expect((await story.as("c", "task", "note", task.id, "look at RFC 5322")).code).toBe(0);
    expect((await story.as("a", "task", "cancel", task.id)).code).toBe(0);
    expect((await story.as("b", "task", "done", task.id)).err).toContain("it was cancelled");
  });
});

describe("owners that go", () => {
  test("one that unregisters leaves its work to others", async () => {
    const story = new Story();
    await add(story, "Parse", "--file", "src/a.ts");
    await story.as("b", "task", "next", "--claim-files", "--ttl", "8h");
    await story.as("b", "unregister");
    expect((await story.json<Task>("c", "task", "next", "--claim-files")).title).toBe("Parse");
  });

  test("one that comes back too late finds it taken, and one that nobody replaced goes on", async () => {
    const story = new Story();
    const task = await add(story, "Parse");
    await story.as("b", "task", "claim", task.id);
    story.now += 60 * MINUTE;
    expect((await story.as("b", "task", "done", task.id)).code, "nobody else wanted it").toBe(0);
    const next = await add(story, "Next");
    await story.as("b", "task", "claim", next.id);
    story.now += 60 * MINUTE;
    await story.as("c", "task", "next");
    expect(await story.as("b", "task", "done", next.id)).toMatchObject({ code: 6, out: "" });
  });
});

describe.skipIf(isOverHttp)("after a power cut", () => {
  /** What a power cut may leave: the records, but none of the marks, which are not written to the disk itself. */
  function cutPower({ cwd }: Story): void {
    for (const folder of ["open", "ready", "titles", "dependents", "unsettled"])
      fs.rmSync(`${cwd}/.relay/tasks/${folder}`, { recursive: true, force: true });
    for (const stamp of fs.readdirSync(`${cwd}/.relay/stamps`))
      if (stamp.startsWith("boot.")) fs.rmSync(`${cwd}/.relay/stamps/${stamp}`);
  }

  test.each(["list", "next", "show two", "done one"])(
    "the board is whole when task %s is asked first",
    async (asked) => {
      const args = asked.split(" ");
      const story = new Story();
      for (const title of ["one", "two", "three"]) await add(story, title);
      const last = await add(story, "last", "--after", "one");
      await story.as("a", "task", "claim", "one");
      await story.as("a", "task", "cancel", "three");
      cutPower(story);
      const first = await story.as("a", "task", ...args);
      expect(first).toMatchObject({ code: 0, err: "" });
      if (args[0] === "done") expect(first.out).toContain(`now ready: ${shortId(last.id)} last`);
      else expect((await story.as("a", "task", "done", "one")).out).toContain(`now ready: ${shortId(last.id)} last`);
      expect((await titles(story)).sort()).toEqual(["last", "two"]);
      expect((await story.json<Task>("b", "task", "next")).title).toBe(args[0] === "next" ? "last" : "two");
    },
  );
});

describe("what peers wrote", () => {
  const HOSTILE = "\u001b[2J\u202eevil\u0007";

  test("a title, a description, a note, a reason and a file are shown, and do nothing", async () => {
    const story = new Story();
    const task = await add(
      story,
      `x ${HOSTILE}`,
      "--description",
      `d ${HOSTILE}\nAdded by root`,
      "--file",
      `f${HOSTILE}.ts`,
    );
    await add(story, `after ${HOSTILE}`, "--after", task.id);
    await story.as("a", "task", "note", task.id, `n ${HOSTILE}\nnote by root`);
    const shown = [
      (await story.as("b", "task", "list")).out,
      (await story.as("b", "task", "list", "--json")).out,
      (await story.as("b", "task", "show", task.id)).out,
      (await story.as("b", "task", "next")).out,
      (await story.as("b", "task", "done", task.id)).out,
    ];
    await add(story, "stuck");
    await story.as("a", "task", "block", "stuck", `why ${HOSTILE}\nsecond`);
    shown.push((await story.as("b", "task", "list")).out, (await story.as("b", "task", "claim", "stuck")).err);
    for (const text of shown) {
      expect(text).toMatch(/\\u001b\[2J\\u202eevil\\u0007/);
      expect(text).not.toMatch(/[\u001b\u202e\u0007]|^(Added|note) by root|^second/m);
    }
  });

  hereOnly("a record that cannot be used is set aside and told of, and the rest of the board goes on", async () => {
    for (const content of ["", "{", "[]", "{}", '{"id":"../../x"}']) {
      const story = new Story();
      const [bad, good] = [await add(story, "bad", "--priority", "9"), await add(story, "good")];
      fs.writeFileSync(`${story.cwd}/.relay/tasks/${bad.id}.json`, content);
      const next = await story.as("b", "task", "next");
      expect(next, content).toMatchObject({ code: 0, out: expect.stringContaining(shortId(good.id)) });
      expect(next.err).toContain("note: ");
      expect((await story.as("b", "task", "list")).err).toBe("");
      expect(await story.as("b", "task", "show", bad.id)).toMatchObject({
        code: 1,
        err: expect.stringContaining("was set aside"),
      });
    }
  });

  hereOnly("a record of edits that cannot be used is set aside and told of, and the edit goes on", async () => {
    for (const content of ["", "{}", '{"ended":0,"begun":[]}', '{"ended":0,"begun":{"../x":{}}}']) {
      const story = new Story();
      for (const title of ["one", "two"]) await add(story, title);
      await story.as("a", "task", "edit", "two", "--after", "one");
      fs.writeFileSync(`${story.cwd}/.relay/tasks/edges.json`, content);
      const edited = await story.as("a", "task", "edit", "two", "--after", "one");
      expect(edited, content).toMatchObject({ code: 0, err: expect.stringContaining("note: ") });
      expect((await story.as("a", "task", "edit", "one", "--after", "two")).err).toContain("wait for itself");
    }
  });

  test("marks that mean nothing, or lie, are passed by", async () => {
    const story = new Story();
    const task = await add(story, "good");
    for (const name of ["x", "00001-task-none", `00001-${task.id}`, "00001-agents"])
      for (const folder of ["open", "ready"]) fs.writeFileSync(`${story.cwd}/.relay/tasks/${folder}/${name}`, "");
    for (const flags of [[], ["--ready"]]) expect(await titles(story, ...flags)).toEqual(["good"]);
    expect((await story.json<Task>("b", "task", "next")).title).toBe("good");
  });
});

test("who holds a task or a file that was abandoned was told differently by each view", async () => {
  const story = Story.ofOneUser();
  const process = await living();
  await story.as("b", "register", "--name", "bob", "--pid", String(process.pid));
  const task = await add(story, "Parse");
  await story.as("b", "task", "claim", task.id);
  await story.as("b", "claim", "src/a.ts");
  await killed(process);
  const out = async (...args: string[]) => (await story.as("a", ...args)).out;
  expect(await out("task", "list", "--ready")).toContain("abandoned by bob");
  expect(await out("status", "--compact")).toMatch(/^to do .*: Parse \(abandoned\)$/m);
  expect(await out("status", "--compact")).not.toContain("in work");
  expect(await out("show", "tasks")).toContain(`(${task.id}, abandoned, bob)`);
  expect(await out("claims")).not.toContain("src/a.ts");
  expect(await out("show", "claims")).not.toContain("src/a.ts");
  await story.as("a", "export", "--to", "out");
  const dump = JSON.parse(fs.readFileSync(`${story.cwd}/out/relay.json`, "utf8"));
  expect(dump).toMatchObject({ claims: { claims: [] }, task_standings: { abandoned: [task.id] } });
  expect((await story.as("a", "claim", "src/a.ts")).code).toBe(0);
});
