import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { Relay } from "../../src/relay.ts";
import { DOCTOR_CHECKS } from "../../src/upkeep/doctor.ts";
import type { Finding } from "../../src/upkeep/finding.ts";
import { Story, tempDir } from "../support/cli.ts";
import { treeOf } from "../support/folder-tree.ts";

interface Report {
  readonly well: boolean;
  readonly checks: readonly { name: string; findings: { what: string; next?: string; fixable: boolean }[] }[];
  readonly done: readonly string[];
}

/** A relay in use, by the clock of the disk that doctor judges files by. */
async function used(): Promise<Story & { dir: string }> {
  const story = Object.assign(new Story(), { now: Date.now() + 1000 });
  await story.as("bob", "register", "--name", "bee");
  await story.as("ann", "send", "--to", "bob", "hello");
  return Object.assign(story, { dir: `${story.cwd}/.relay` });
}

/** What the checks of doctor find, by the name of the check. */
async function findings(story: Story, ...flags: string[]): Promise<Record<string, string[]>> {
  const { checks } = await story.json<Report>("bob", "doctor", ...flags);
  const found = checks.filter((check) => check.findings.length > 0);
  return Object.fromEntries(found.map((check) => [check.name, check.findings.map(({ what }) => what)]));
}

async function livingProcess(): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"], { stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "spawn");
  return child;
}

function age(file: string, ms: number): void {
  const then = new Date(Date.now() - ms);
  fs.utimesSync(file, then, then);
}

/** Faults that doctor mends: where they lie, what makes them, and which check finds them. */
const MENDED: Readonly<Record<string, { at: string; check: string; make: (file: string) => void }>> = {
  "a pointer at no message": { at: "inboxes/bob/msg-lost", check: "pointers", make: touch },
  "a pointer at no open message": { at: "inboxes/bob/open/msg-lost", check: "pointers", make: touch },
  "a pointer of everyone's at no message": { at: "inboxes/all/msg-lost", check: "pointers", make: touch },
  "a draft that was left": {
    at: "drafts/msg-left",
    check: "drafts",
    make: (file) => {
      touch(file);
      age(file, 11 * 60_000);
    },
  },
  "an empty record": { at: "messages/msg-bad.json", check: "records", make: touch },
  "half a record": { at: "agents/bad.json", check: "records", make: (file) => put(file, '{"session_id": "b') },
  "a record full of NUL": { at: "tasks/task-bad.json", check: "records", make: (file) => put(file, "\0".repeat(512)) },
  "an array for a record": { at: "waits/wait-bad.json", check: "records", make: (file) => put(file, "[{}]") },
  "a number for a record": { at: "claims/live.json", check: "records", make: (file) => put(file, "42") },
  "a record in another encoding": {
    at: "decisions/decision-bad.json",
    check: "records",
    make: (file) => put(file, Buffer.from('{"content": "caf\xe9"}', "latin1")),
  },
  "a folder in a record's place": {
    at: "messages/msg-folder.json",
    check: "records",
    make: (file) => fs.mkdirSync(file, { mode: 0o700 }),
  },
  "a record with a name of 250 letters": {
    at: `messages/${"x".repeat(250)}.json`,
    check: "records",
    make: touch,
  },
  "a file that others can read": {
    at: "stamps/open",
    check: "permissions",
    make: (file) => {
      touch(file);
      fs.chmodSync(file, 0o644);
    },
  },
};

function touch(file: string): void {
  put(file, "");
}

function put(file: string, content: string | Buffer): void {
  fs.writeFileSync(file, content, { mode: 0o600 });
}

function plant(dir: string, { at, make }: { at: string; make: (file: string) => void }): string {
  const file = path.join(dir, at);
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  make(file);
  return file;
}

describe("a relay that is well", () => {
  test("is said to be well, check by check, with exit code 0", async () => {
    const story = await used();
    const { code, out, err } = await story.as("bob", "doctor");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toBe(DOCTOR_CHECKS.map(({ name }) => `${name}: ok\n`).join(""));
    expect(await story.json("bob", "doctor")).toMatchObject({ well: true, done: [] });
  });

  test("is well at any moment of its use: mail, claims with someone in line, tasks, waits, decisions, leavers", async () => {
    const story = await used();
    const commands: readonly (readonly string[])[] = [
      ["ann", "send", "for all"],
      ["ann", "send", "--to", "bob", "--kind", "question", "why?"],
      ["bob", "inbox"],
      ["ann", "claim", "src", "--reason", "all of it"],
      ["cay", "task", "add", "first", "--file", "x.ts"],
      ["bob", "task", "next"],
      ["bob", "task", "done", "first"],
      ["bob", "wait", "--released", "src", "--subscribe"],
      ["cay", "decide", "we stay"],
      ["cay", "status", "at work"],
      ["cay", "log", "a note"],
      ["cay", "unregister"],
      ["ann", "gc"],
      ["ann", "cleanup"],
      ["ann", "export"],
    ];
    for (const [session = "", ...args] of commands) {
      const { code, err } = await story.as(session, ...args);
      expect(code, `${args.join(" ")}: ${err}`).toBe(0);
      expect(await findings(story), `after ${args.join(" ")}`).toEqual({});
    }
    const relay = (session: string) => new Relay(story.dir, { session, agent: "claude", now: () => story.now });
    const inLine = relay("bob").claim("src/a.ts", { waitMs: 20_000 });
    const queue = () => JSON.parse(fs.readFileSync(`${story.dir}/claims/live.json`, "utf8")).queue;
    await expect.poll(queue, { interval: 5 }).toHaveLength(1);
    expect(await findings(story)).toEqual({});
    await relay("ann").claims.releaseAll();
    await inLine;
    expect(await findings(story)).toEqual({});
  });

  test("is well when old mail has been removed from it", async () => {
    const story = await used();
    await story.as("ann", "send", "for all");
    await story.as("bob", "inbox");
    story.now += 8 * 86_400_000;
    expect((await story.as("ann", "gc")).out).toContain("Removed 2 things");
    expect(await findings(story)).toEqual({});
  });

  test("stays well while a sender goes on between two of doctor's looks: no mail is lost to --fix", async () => {
    const story = await used();
    const { id, ...rest } = JSON.parse(fs.readFileSync(messageFile(story.dir), "utf8"));
    const draft = `${story.dir}/drafts/${id}`;
    fs.renameSync(messageFile(story.dir), draft);
    const look = fs.existsSync;
    vi.spyOn(fs, "existsSync").mockImplementation((file) => {
      const isThere = look(file);
      if (String(file).includes(id) && look(draft)) fs.renameSync(draft, `${story.dir}/messages/${id}.json`);
      return isThere;
    });
    onTestFinished(() => void vi.restoreAllMocks());
    expect(await story.json("bob", "doctor", "--fix")).toMatchObject({ well: true, done: [] });
    vi.restoreAllMocks();
    expect((await story.as("bob", "inbox")).out).toContain(rest.content);
  });

  test("is the same relay by another way to it", async () => {
    const story = await used();
    fs.mkdirSync(`${story.cwd}/.git`);
    const link = `${tempDir()}/link`;
    fs.symlinkSync(story.cwd, link);
    expect(await findings(story, "--dir", `${link}/.relay`)).toEqual({});
  });
});

function messageFile(dir: string): string {
  return path.join(dir, "messages", fs.readdirSync(`${dir}/messages`)[0] ?? "");
}

describe("what is mended", () => {
  test.each(Object.keys(MENDED))("%s is found, changed by nothing but --fix, and then gone", async (kind) => {
    const story = await used();
    const fault = MENDED[kind];
    if (!fault) throw new Error(kind);
    const file = plant(story.dir, fault);
    const before = treeOf(story.dir);
    const found = await story.as("bob", "doctor");
    expect(found).toMatchObject({ code: 1, err: "Try: agent-relay doctor --fix\n" });
    expect(found.out).toContain(`${fault.check}: 1 finding\n  ${file}`);
    expect(await findings(story)).toEqual({ [fault.check]: [expect.stringContaining(file)] });
    expect(treeOf(story.dir)).toEqual(before);

    const fixed = await story.json<Report>("bob", "doctor", "--fix");
    expect(fixed.done).toEqual([expect.stringContaining(file)]);
    expect(Object.keys(await findings(story))).toEqual(fault.check === "records" ? ["quarantine"] : []);
    expect((await story.as("bob", "inbox")).out).toContain("hello");
  });

  test("all of it at once, and each is told; what has no place in it stays byte for byte", async () => {
    const story = await used();
    const kept = fs.readFileSync(messageFile(story.dir));
    for (const fault of Object.values(MENDED)) plant(story.dir, fault);
    const planted = new Set(Object.values(MENDED).map(({ at }) => at)).size;
    const { done } = await story.json<Report>("bob", "doctor", "--fix");
    expect(done).toHaveLength(planted);
    expect(fs.readFileSync(messageFile(story.dir))).toEqual(kept);
    expect(Object.keys(await findings(story))).toEqual(["quarantine"]);
    expect((await story.json<Report>("bob", "doctor", "--fix")).done).toEqual([]);
  });

  test("a record that is bad a second time is set aside beside the first, each with its reason", async () => {
    const story = await used();
    for (const text of ["first", "second"]) {
      put(`${story.dir}/agents/bad.json`, text);
      await story.as("bob", "doctor", "--fix");
    }
    const names = fs.readdirSync(`${story.dir}/quarantine`);
    const texts = names
      .filter((name) => name.endsWith(".json"))
      .map((name) => fs.readFileSync(`${story.dir}/quarantine/${name}`, "utf8"));
    expect(texts.sort()).toEqual(["first", "second"]);
    expect(names.filter((name) => name.endsWith(".reason"))).toHaveLength(2);
  });

  test("what is no longer wrong when its turn comes is left alone", async () => {
    const story = await used();
    const file = `${story.dir}/agents/late.json`;
    put(file, '{"session');
    const check = DOCTOR_CHECKS.find(({ name }) => name === "records");
    const [finding]: Finding[] = check?.look({ dir: story.dir, cwd: story.cwd, now: story.now, env: {} }) ?? [];
    const good = fs.readFileSync(`${story.dir}/agents/bob.json`, "utf8");
    put(file, good);
    expect(finding?.fix?.()).toContain("left");
    expect(fs.readFileSync(file, "utf8")).toBe(good);
  });

  test("what is JSON but no record of its folder is found too", async () => {
    const story = await used();
    await story.as("bob", "task", "add", "Parse");
    for (const folder of ["agents", "messages", "tasks"]) put(`${story.dir}/${folder}/task-x.json`, "{}");
    const { records = [] } = await findings(story);
    expect(records).toHaveLength(3);
  });
});

describe("what a person has to look at", () => {
  test("a lock that was left, with what becomes of it", async () => {
    const story = await used();
    const lock = `${story.dir}/locks/agents+bob`;
    fs.mkdirSync(lock, { mode: 0o700 });
    touch(`${lock}/abc.999999.1.elsewhere`);
    expect(await findings(story)).toEqual({});
    age(lock, 60_000);
    expect(await findings(story)).toEqual({ locks: [`${lock} was left by who held it`] });
    const { out, code } = await story.as("bob", "doctor");
    expect(out).toContain("nothing: the next who needs it breaks it");
    expect(code, "it is no illness").toBe(0);
  });

  test("a registered process that was killed, and the command that ends its session", async () => {
    const story = await used();
    const child = await livingProcess();
    await story.as("dead", "register", "--pid", String(child.pid));
    expect(await findings(story)).toEqual({});
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await findings(story)).toEqual({ "dead holders": [`the process of dead (pid ${child.pid}) has died`] });
    expect(await story.as("bob", "doctor")).toMatchObject({
      code: 1,
      out: expect.stringContaining("agent-relay cleanup"),
    });
    await story.as("bob", "cleanup");
    expect(await findings(story)).toEqual({});
  });

  test("files of a later time than now", async () => {
    const story = await used();
    const file = `${story.dir}/agents/bob.seen`;
    age(file, -3_600_000);
    expect(await findings(story)).toEqual({ clock: [`1 files are of a later time than now, such as ${file}`] });
    expect((await story.as("bob", "doctor")).out).toContain("set the clock right");
  });

  test("files that were set aside, until they are removed", async () => {
    const story = await used();
    put(`${story.dir}/messages/msg-bad.json`, "[]");
    touch(`${story.dir}/inboxes/bob/msg-bad`);
    await story.as("bob", "inbox");
    const found = await story.as("bob", "doctor");
    expect(found).toMatchObject({ code: 1, err: "A person has to look at what is left\n" });
    expect(found.out).toContain("agent-relay quarantine list");
    fs.rmSync(`${story.dir}/quarantine`, { recursive: true });
    await story.as("bob", "inbox"); // which lists it no more
    expect((await story.as("bob", "doctor")).code).toBe(0);
  });

  test("a second relay in a linked worktree of the same repository", async () => {
    const base = tempDir();
    const git = (...args: string[]) =>
      execFileSync("git", ["-c", "user.name=x", "-c", "user.email=x", ...args], { cwd: base });
    git("init", "--quiet", "main");
    git("-C", "main", "commit", "--quiet", "--allow-empty", "-m", "x");
    git("-C", "main", "worktree", "add", "--quiet", "../linked");
    for (const folder of ["main", "linked"]) {
      const story = new Story(`${base}/${folder}`);
      await story.as("a", "send", "--dir", ".relay", "hello");
    }
    const story = Object.assign(new Story(`${base}/linked`), { now: Date.now() + 1000 });
    expect(await findings(story)).toEqual({
      "one relay": [`${base}/main/.relay is a second relay of this repository`],
    });
    expect((await story.as("a", "doctor")).out).toContain("finish one, or move it away");
    git("-C", "main", "worktree", "add", "--quiet", "../third");
    const third = Object.assign(new Story(`${base}/third`), { now: Date.now() + 1000 });
    expect(await findings(third), "from the side").toEqual({
      "one relay": [`${base}/linked/.relay is a second relay of this repository`],
    });
    fs.rmSync(`${base}/linked`, { recursive: true });
    for (const each of [third, new Story(`${base}/main`)])
      expect(await findings(Object.assign(each, { now: Date.now() + 1000 })), "that worktree is gone").toEqual({});
  });

  test("a relay that is not there: doctor says how one is made, and makes none", async () => {
    const story = new Story();
    const { code, out } = await story.as("bob", "doctor", "--fix");
    expect(code, "that is no illness").toBe(0);
    expect(out).toContain(`there is no relay at ${story.cwd}/.relay: the first send makes it`);
    expect(fs.readdirSync(story.cwd)).toEqual([]);
  });

  test("a relay that has lost its relay.json", async () => {
    const story = await used();
    fs.rmSync(`${story.dir}/relay.json`);
    expect(await findings(story)).toEqual({
      folder: [`${story.dir} has no relay.json, without which it is shown to no agent`],
    });
  });

  test("a relay that is a link, or a file, is refused", async () => {
    const story = await used();
    const other = new Story();
    fs.symlinkSync(story.dir, `${other.cwd}/.relay`);
    expect(await other.as("bob", "doctor", "--fix")).toMatchObject({ code: 6, out: "" });
    fs.rmSync(`${other.cwd}/.relay`);
    touch(`${other.cwd}/.relay`);
    expect(await other.as("bob", "doctor", "--fix")).toMatchObject({ code: 6, out: "" });
  });
});

describe("what strangers put there", () => {
  test("links are found and not followed, by no look and by no --fix", async () => {
    const story = await used();
    const outside = tempDir();
    for (const name of ["old", "bad.json", "msg-x"]) {
      fs.writeFileSync(`${outside}/${name}`, "", { mode: 0o644 });
      age(`${outside}/${name}`, 86_400_000);
    }
    put(`${story.dir}/messages/msg-bad.json`, "[");
    for (const name of [
      "inboxes/evil",
      "inboxes/bob/open",
      "drafts",
      "locks",
      "quarantine",
      "agents/x",
      "messages/y.json",
    ]) {
      fs.rmSync(`${story.dir}/${name}`, { recursive: true, force: true });
      fs.symlinkSync(outside, `${story.dir}/${name}`);
    }
    const before = treeOf(outside);
    const found = await findings(story);
    expect(Object.keys(found)).toEqual(["links", "records"]);
    expect(found.links).toHaveLength(7);
    await story.as("bob", "doctor", "--fix");
    expect(treeOf(outside)).toEqual(before);
    expect(fs.readFileSync(`${story.dir}/messages/msg-bad.json`, "utf8")).toBe("[");
  });

  test("names and contents reach the terminal with their control bytes escaped, in text and in JSON", async () => {
    const cwd = `${tempDir()}/\u001b[2Jproject`;
    fs.mkdirSync(cwd);
    const story = Object.assign(new Story(cwd), { now: Date.now() + 1000 });
    await story.as("bob", "send", "hello");
    const dir = `${cwd}/.relay`;
    fs.mkdirSync(`${dir}/inboxes/bob`, { recursive: true });
    for (const name of ["\u001b]0;owned\u0007", "line\nbreak", "\u202egnp.exe", "\u009b31m"]) {
      put(`${dir}/messages/${name}.json`, "\u001b[31m{");
      touch(`${dir}/inboxes/bob/${name}`);
      touch(`${dir}/drafts/${name}`);
      age(`${dir}/drafts/${name}`, 3_600_000);
      fs.symlinkSync("/nowhere", `${dir}/stamps/${name}`);
    }
    put(`${dir}/agents/bad.json`, JSON.stringify({ session_id: "\u001b[31m" }));
    for (const flags of [[], ["--json"], ["--fix"], ["--json"], []]) {
      const { out, err } = await story.as("bob", "doctor", ...flags);
      expect(out + err).not.toMatch(/(?!\n)[\p{Cc}\u202e]/u);
      if (!flags.includes("--json")) expect(out).not.toMatch(/^break/m);
    }
  });

  test("a folder, a pipe or a hostile name where a pointer or a draft belongs does not stop doctor", async () => {
    const story = await used();
    for (const folder of ["inboxes/bob", "drafts", "locks", "agents", "messages", "quarantine"]) {
      fs.mkdirSync(`${story.dir}/${folder}/deep/deeper`, { recursive: true, mode: 0o700 });
      execFileSync("mkfifo", ["-m", "600", `${story.dir}/${folder}/pipe`, `${story.dir}/${folder}/pipe.json`]);
      touch(`${story.dir}/${folder}/-rf`);
    }
    expect((await story.as("bob", "doctor", "--fix")).err).not.toContain("bug");
    expect((await story.as("bob", "inbox")).out).toContain("hello");
  });
});

test("doctor found nothing wrong with a torn log, a log that is no file, or a relay of elsewhere", async () => {
  const story = Object.assign(new Story(), { now: Date.now() + 1000 });
  await story.as("a", "send", "hello");
  const dir = `${story.cwd}/.relay`;
  fs.appendFileSync(`${dir}/activity/${fs.readdirSync(`${dir}/activity`)[0]}`, "half a li\n");
  expect((await story.as("a", "doctor")).out).toContain("has 1 line that cannot be read, and are passed over");
  fs.mkdirSync(`${dir}/activity/2026-01-01.jsonl`);
  expect(await story.as("a", "doctor")).toMatchObject({ code: 1, out: expect.stringContaining("is no file") });
  fs.rmdirSync(`${dir}/activity/2026-01-01.jsonl`);
  const relay = JSON.parse(fs.readFileSync(`${dir}/relay.json`, "utf8"));
  fs.writeFileSync(`${dir}/relay.json`, JSON.stringify({ ...relay, mark: "0".repeat(32) }));
  expect(await story.as("a", "doctor")).toMatchObject({ code: 1, out: expect.stringContaining("agent-relay trust") });
});
