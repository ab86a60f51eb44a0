import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { shortId } from "../../src/id.ts";
import type { Message, Sent, Task, Wait } from "../../src/index.ts";
import { isOverHttp, overHttp, type Ran, Story } from "../support/cli.ts";
import { living } from "../support/living-process.ts";
import { COMMAND } from "../support/paths.ts";

/** A project by the clock on the wall, in which some wait in processes of their own. */
class Project {
  readonly #story = Object.defineProperty(new Story(), "now", { get: Date.now });
  readonly cwd = this.#story.cwd;

  static ofOneUser(): Project {
    const project = new Project();
    project.#story.isOneUser = true;
    return project;
  }

  as(session: string, ...args: string[]): Promise<Ran> {
    return this.#story.as(session, ...args);
  }

  json<T>(session: string, ...args: string[]): Promise<T> {
    return this.#story.json<T>(session, ...args);
  }

  /** Registers these sessions: `a` as `a1`, and so on. */
  async named(...sessions: string[]): Promise<void> {
    for (const session of sessions) await this.as(session, "register", "--name", `${session}1`);
  }

  /** Starts `agent-relay` as a process. */
  async start(session: string, ...args: string[]): Promise<Started> {
    const server = isOverHttp ? await overHttp(this.#story, session) : {};
    const child = spawn(process.execPath, [COMMAND, ...args], {
      cwd: this.cwd,
      env: { ...process.env, HOME: this.cwd, AGENT_RELAY_SESSION: session, ...server },
      stdio: ["ignore", "pipe", "pipe"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    return new Started(child);
  }

  /** What the record says of who waits for whom. */
  edges(): { session_id: string; on: string[] }[] {
    const file = `${this.cwd}/.relay/claims/live.json`;
    return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, "utf8")).edges : [];
  }

  /** Resolves when these and nobody else are known to wait. */
  waiting(...sessions: string[]): Promise<unknown> {
    const names = () => this.edges().map(({ session_id }) => session_id);
    return expect.poll(() => names().sort(), { interval: 10 }).toEqual([...sessions].sort());
  }

  /** An agent whose process lives until it is killed. */
  async living(session: string): Promise<ChildProcess> {
    const child = await living();
    expect((await this.as(session, "register", "--pid", String(child.pid))).code).toBe(0);
    return child;
  }
}

/** A command that runs. */
class Started {
  readonly child: ChildProcess;
  #out = "";
  #err = "";
  readonly ended: Promise<Ran>;

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.on("data", (chunk) => (this.#out += chunk));
    child.stderr?.on("data", (chunk) => (this.#err += chunk));
    this.ended = once(child, "close").then(([code]) => ({ out: this.#out, err: this.#err, code }));
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }
}

describe("a process that waits is woken", () => {
  test("when a path is released", async () => {
    const project = new Project();
    await project.as("a", "claim", "src", "--ttl", "8h");
    const waiting = await project.start("b", "wait", "--released", "src/db.ts");
    await project.waiting("b");
    expect(project.edges()).toMatchObject([{ session_id: "b", on: ["a"] }]);
    await project.as("a", "release", "src");
    expect(await waiting.ended).toEqual({ code: 0, out: "src/db.ts is free\n", err: "" });
    expect(project.edges()).toEqual([]);
  });

  test("when the holder unregisters, and when an agent does", async () => {
    const project = new Project();
    await project.named("a");
    await project.as("a", "claim", "src");
    const all = [
      await project.start("b", "wait", "--released", "src"),
      await project.start("c", "wait", "--ended", "a", "--json"),
    ];
    await project.waiting("b", "c");
    await project.as("a", "unregister");
    const [freed, ended] = await Promise.all(all.map((one) => one.ended));
    expect(freed).toEqual({ code: 0, out: "src is free\n", err: "" });
    expect(JSON.parse(ended?.out ?? "")).toEqual({ outcome: ["a1 has left"] });
  });

  test("within about 2 s of a kill -9, of the holder and of the agent", async () => {
    const project = Project.ofOneUser();
    await project.named("a");
    const holder = await project.living("a");
    await project.as("a", "claim", "src", "--ttl", "8h");
    const all = [
      await project.start("b", "wait", "--released", "src"),
      await project.start("c", "wait", "--ended", "a"),
    ];
    await project.waiting("b", "c");
    const began = performance.now();
    holder.kill("SIGKILL");
    const [freed, ended] = await Promise.all(all.map((one) => one.ended));
    expect(performance.now() - began).toBeLessThan(6000);
    expect(freed).toEqual({ code: 0, out: "src is free\n", err: "" });
    expect(ended).toEqual({ code: 0, out: "the process of a1 has died\n", err: "" });
  });

  test("when a lease runs out, with nobody acting", async () => {
    const project = new Project();
    await project.as("a", "claim", "src", "--ttl", "10s");
    // As if it had been claimed 8 s ago: no test should take longer than it must.
    const file = `${project.cwd}/.relay/claims/live.json`;
    const record = JSON.parse(fs.readFileSync(file, "utf8"));
    record.claims[0].expires_at = Date.now() + 2000;
    fs.writeFileSync(file, JSON.stringify(record));
    const { code, out } = await (await project.start("b", "wait", "--released", "src")).ended;
    expect({ code, out }).toEqual({ code: 0, out: "src is free\n" });
    expect(Date.now()).toBeGreaterThanOrEqual(record.claims[0].expires_at);
  });

  test("by the message it waits for alone, and does not mark it as read", async () => {
    const project = new Project();
    await project.named("a", "b", "c");
    const waiting = await project.start("b", "wait", "--from", "a", "--kind", "question");
    await project.waiting("b");
    await project.as("c", "send", "--to", "b", "--kind", "question", "not from a");
    await project.as("a", "send", "--to", "b", "no question");
    expect(waiting.isRunning).toBe(true);
    const { id } = await project.json<Sent>("a", "send", "--kind", "question", "which port?");
    expect(await waiting.ended).toEqual({ code: 0, out: `${shortId(id)} from a1\n`, err: "" });
    expect((await project.as("b", "unread")).out).toBe("3\n");
  });

  test("by an answer, and by a task that is done", async () => {
    const project = new Project();
    await project.named("a");
    const { id } = await project.json<Sent>("b", "send", "--to", "a", "--kind", "question", "which port?");
    const task = await project.json<Task>("a", "task", "add", "parse");
    await project.as("a", "task", "claim", "parse");
    const answered = await project.start("b", "wait", "--reply-to", id);
    const done = await project.start("c", "wait", "--task-done", "parse");
    await project.waiting("b", "c");
    const { id: answer } = await project.json<Sent>("a", "reply", id, "4800");
    expect(await answered.ended).toMatchObject({
      ...{ code: 0, err: "" },
      out: expect.stringMatching(
        new RegExp(`^\\[1 message .*\n${shortId(answer)} a1 .* answers ${shortId(id)}: 4800\n`),
      ),
    });
    expect((await project.as("b", "unread")).out, "what was shown is read").toBe("0\n");
    await project.as("a", "task", "done", "parse");
    expect(await done.ended).toEqual({ code: 0, out: `${shortId(task.id)} is done by a1\n`, err: "" });
  });

  test("by the first of several with --any, and else only by the last", async () => {
    const project = new Project();
    await project.named("a");
    await project.as("a", "claim", "src", "docs");
    const what = ["wait", "--released", "src", "--ended", "a"];
    const [any, all] = [await project.start("b", ...what, "--any"), await project.start("c", ...what)];
    await project.waiting("b", "c");
    await project.as("a", "release", "src");
    expect(await any.ended).toEqual({ code: 0, out: "src is free\n", err: "" });
    expect(all.isRunning).toBe(true);
    await project.as("a", "unregister");
    expect(await all.ended).toEqual({ code: 0, out: "src is free\na1 has left\n", err: "" });
  });
});

test("who asked waited on after an ack, and read the answer that it waited for by a second command", async () => {
  const story = new Story();
  await story.as("b", "register", "--name", "bob");
  const ask = async () => (await story.json<Sent>("a", "send", "--to", "b", "--kind", "question", "which?")).id;
  const [acked, answered] = [await ask(), await ask()];
  await story.as("b", "ack", acked);
  expect(await story.as("a", "wait", "--reply-to", acked, "--timeout", "1s")).toEqual({
    ...{ code: 0, err: "" },
    out: `bob acked ${shortId(acked)} without an answer\n`,
  });
  expect((await story.as("a", "read", acked)).out).toContain("acked by bob");
  await story.as("b", "reply", answered, "this");
  for (const look of ["first", "again"])
    expect((await story.as("a", "wait", "--reply-to", answered)).out, look).toContain(
      `answers ${shortId(answered)}: this`,
    );
  expect(await story.json("a", "wait", "--reply-to", answered)).toMatchObject({ messages: [{ content: "this" }] });
  expect(await story.as("b", "wait", "--reply-to", answered)).toMatchObject({
    code: 2,
    err: `Cannot wait for an answer to "${shortId(answered)}": it was sent to you\nTry: agent-relay reply ${shortId(answered)} "..."\n`,
  });
});

test("what does not come in time ends with exit code 5, and says what to do", async () => {
  const story = new Story();
  await story.as("a", "claim", "src");
  expect(await story.as("b", "wait", "--released", "src", "--timeout", "50ms")).toEqual({
    ...{ code: 5, out: "" },
    err:
      "Cannot wait any longer for src to be free: it did not happen in 0s\n" +
      "Try: the same again, or with --subscribe: then a message tells of it\n",
  });
  const asJson = await story.as("b", "wait", "--message", "--timeout", "1ms", "--json");
  expect(JSON.parse(asJson.err)).toMatchObject({ error: { code: "timed_out" } });
  for (const args of [[], ["--timeout", "0s", "--message"], ["--timeout", "8d", "--message"], ["--kind", "gossip"]])
    expect((await story.as("b", "wait", ...args)).code, args.join(" ")).toBe(2);
  expect((await story.as("b", "wait", "--ended", "nobody")).code).toBe(3);
});

describe("a circle", () => {
  test("of two that wait for what the other holds is told to who closes it; the other goes on", async () => {
    const project = new Project();
    await project.named("a", "b");
    for (const session of ["a", "b"]) await project.as(session, "claim", `${session}.ts`);
    const first = await project.start("a", "wait", "--released", "b.ts");
    await project.waiting("a");
    const closing = await project.as("b", "wait", "--released", "a.ts");
    expect(closing).toEqual({
      ...{ code: 4, out: "" },
      err:
        "Cannot wait for a.ts to be free: nobody in this circle could go on: " +
        "b1 waits for a1 (a.ts to be free), a1 waits for b1 (b.ts to be free)\n" +
        "Try: give back what they wait for (agent-relay release), or answer them, then wait again\n",
    });
    expect(first.isRunning).toBe(true);
    await project.waiting("a");
    await project.as("b", "release", "b.ts");
    expect((await first.ended).code).toBe(0);
  });

  test("of three, of a claim in line, an end and an answer, is told at once with all names", async () => {
    const project = new Project();
    await project.named("a", "b", "c");
    for (const session of ["a", "b", "c"]) await project.as(session, "claim", `${session}.ts`);
    const { id } = await project.json<Sent>("c", "send", "--to", "a", "--kind", "question", "may I?");
    const claiming = await project.start("a", "claim", "b.ts", "--wait", "5m");
    const queue = () => JSON.parse(fs.readFileSync(`${project.cwd}/.relay/claims/live.json`, "utf8")).queue;
    await expect.poll(queue).toHaveLength(1);
    const ending = await project.start("b", "wait", "--ended", "c");
    await project.waiting("b");
    const closing = await project.as("c", "wait", "--reply-to", id);
    expect(closing).toMatchObject({ code: 4, out: "" });
    expect(closing.err).toContain(
      `nobody in this circle could go on: c1 waits for a1 (an answer to ${id}), a1 waits for b1 (b.ts), b1 waits for c1 (c1 to end)`,
    );
    expect([claiming.isRunning, ending.isRunning]).toEqual([true, true]);
    await project.as("c", "unregister");
    expect((await ending.ended).out).toBe("c1 has left\n");
    await project.as("b", "release", "b.ts");
    expect((await claiming.ended).code).toBe(0);
  });

  test("that closes only while all wait, by a task that one of them takes, is told then", async () => {
    const project = new Project();
    await project.named("a", "b");
    await project.as("a", "claim", "a.ts");
    await project.as("a", "task", "add", "parse");
    const first = await project.start("a", "wait", "--task-done", "parse");
    await expect.poll(() => fs.existsSync(`${project.cwd}/.relay/tasks`)).toBe(true);
    const second = await project.start("b", "wait", "--released", "a.ts");
    await project.waiting("b");
    await project.as("b", "task", "claim", "parse");
    const ended = await first.ended;
    expect(ended).toMatchObject({ code: 4, out: "" });
    expect(ended.err).toMatch(/a1 waits for b1 \(task-\w+ to be done\), b1 waits for a1 \(a\.ts to be free\)/);
    expect(second.isRunning).toBe(true);
    await project.as("a", "release", "a.ts");
    expect((await second.ended).code).toBe(0);
  });

  test("is none where one of several is enough, or where one is told by a message", async () => {
    const project = new Project();
    await project.named("a", "b");
    for (const session of ["a", "b"]) await project.as(session, "claim", `${session}.ts`);
    const first = await project.start("a", "wait", "--released", "b.ts");
    await project.waiting("a");
    const any = ["wait", "--released", "a.ts", "--message", "--any", "--timeout", "50ms"];
    expect((await project.as("b", ...any)).code).toBe(5);
    expect((await project.as("b", "wait", "--released", "a.ts", "--subscribe")).code).toBe(0);
    await project.as("b", "release", "b.ts");
    expect((await first.ended).code).toBe(0);
  });
});

test.each(["SIGINT", "SIGTERM"] as const)(
  "a wait that is interrupted by %s ends with 130, and leaves no edge behind",
  async (signal) => {
    const project = new Project();
    await project.as("a", "claim", "src");
    const waiting = await project.start("b", "wait", "--released", "src");
    await project.waiting("b");
    waiting.child.kill(signal);
    const { code, out } = await waiting.ended;
    expect({ code, out }).toEqual({ code: 130, out: "" });
    expect(project.edges()).toEqual([]);
  },
);

test("a claim in line that is interrupted ends with 130 too, and leaves the line", async () => {
  const project = new Project();
  await project.as("a", "claim", "src");
  const waiting = await project.start("b", "claim", "src", "--wait", "5m");
  const queue = () => JSON.parse(fs.readFileSync(`${project.cwd}/.relay/claims/live.json`, "utf8")).queue;
  await expect.poll(queue).toHaveLength(1);
  waiting.child.kill("SIGINT");
  expect((await waiting.ended).code).toBe(130);
  expect(queue()).toEqual([]);
});

test("a wait that is killed keeps nobody from going on: its edge goes at the next change", async () => {
  const project = Project.ofOneUser();
  for (const session of ["a", "b"]) await project.as(session, "claim", `${session}.ts`);
  const waiting = await project.start("b", "wait", "--released", "a.ts");
  await project.waiting("b");
  waiting.child.kill("SIGKILL");
  await waiting.ended;
  expect((await project.as("a", "wait", "--released", "b.ts", "--timeout", "100ms")).code, "no circle").toBe(5);
  expect(project.edges()).toEqual([]);
});

describe("subscribing", () => {
  test("returns at once, and a message tells of the outcome when it comes", async () => {
    const story = new Story();
    await story.as("a", "claim", "src");
    await story.as("b", "register", "--name", "bob");
    const made = await story.as("b", "wait", "--released", "src", "--subscribe");
    expect(made).toMatchObject({
      ...{ code: 0, err: "" },
      out: expect.stringMatching(/^\w{6} pending, bob waits for src to be free, 8h more; a message will tell of it\n$/),
    });
    const [id = ""] = made.out.split(" ");
    expect((await story.as("c", "wait", "--list")).out).toBe(made.out);
    expect((await story.as("c", "status")).out).toMatch(/is told of src to be free \(\w{6}\)/);
    await story.as("a", "release", "src");
    const { out } = await story.as("b", "inbox");
    expect(out).toMatch(new RegExp(`What you waited for came true \\(wait-\\w+${id}\\), src to be free: src is free`));
    expect((await story.as("b", "inbox")).out).toBe("");
    expect((await story.as("c", "wait", "--outcome", id)).out).toBe(`${id} satisfied, src to be free: src is free\n`);
    expect(await story.as("c", "wait", "--list")).toEqual({ code: 0, out: "", err: "Nobody waits by --subscribe\n" });
    expect(await story.json("c", "wait", "--list")).toEqual([]);
  });

  test("reaches who waits also where the agent crashed, or the lease simply ran out, or time ran out", async () => {
    const story = new Story();
    await story.as("a", "register", "--name", "ann");
    await story.as("a", "claim", "src", "--ttl", "1h");
    const wait = (...args: string[]) => story.json<Wait>("b", "wait", ...args, "--subscribe");
    const [late, freed] = [await wait("--ended", "a", "--timeout", "30m"), await wait("--released", "src")];
    story.now += 30 * 60_000;
    await story.as("c", "unread");
    story.now += 30 * 60_000;
    const told = (await story.json<{ items: { message: Message }[] }>("b", "inbox")).items;
    expect(told.map(({ message }) => message.content)).toEqual([
      `You waited for ann to end (${late.id}), and it did not come in time`,
      `What you waited for came true (${freed.id}), src to be free: src is free`,
    ]);
    expect((await story.as("b", "wait", "--outcome", late.id)).out).toBe(
      `${shortId(late.id)} timed_out, ann to end: not in time\n`,
    );
  });

  test("can be taken back by who did it", async () => {
    const story = new Story();
    await story.as("a", "claim", "src");
    const { id } = await story.json<Wait>("b", "wait", "--released", "src", "--subscribe");
    expect((await story.as("c", "wait", "--cancel", id)).code).toBe(6);
    expect((await story.as("b", "wait", "--cancel", id)).out).toBe(
      `${shortId(id)} cancelled, src to be free: cancelled\n`,
    );
    await story.as("a", "release", "src");
    expect((await story.as("b", "inbox")).out).toBe("");
    expect((await story.as("b", "wait", "--cancel", "wait-nothing")).code).toBe(3);
  });
});
