import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { ClaimCheck } from "../../src/claims/claims.ts";
import { type Claim, Relay } from "../../src/index.ts";
import { iso } from "../../src/time.ts";
import { framed, hereOnly, isOverHttp, overHttp, Story } from "../support/cli.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** What the record on disk says. */
function live({ cwd }: Story): { token: number; claims: Claim[]; queue: { session_id: string }[] } {
  return JSON.parse(fs.readFileSync(`${cwd}/.relay/claims/live.json`, "utf8"));
}

function relayOf(story: Story, session: string): Relay {
  return new Relay(`${story.cwd}/.relay`, { session, agent: "claude", durability: "process", now: () => story.now });
}

function inLine(story: Story, count: number): Promise<unknown> {
  return expect.poll(() => live(story).queue).toHaveLength(count);
}

/** A process that lives until it is killed. */
async function livingProcess(): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"], { stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "spawn");
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** The arguments of a printed command, as a shell sees them. */
function argumentsIn(command: string): string[] {
  const [program, ...args] = execFileSync("sh", ["-c", `printf '%s\\n' ${command}`], { encoding: "utf8" })
    .trimEnd()
    .split("\n");
  expect(program).toBe("agent-relay");
  return args;
}

describe("claiming", () => {
  test("what is had by one is refused to another, who is told who, why, until when and what to do", async () => {
    const story = new Story();
    await story.as("a", "register", "--name", "ann");
    const claimed = await story.as("a", "claim", "src/db.ts", "--reason", "new index");
    expect(claimed).toEqual({
      ...{ code: 0, err: "" },
      out: "Claimed src/db.ts for 30m; release it when you are done\n",
    });
    story.now += 18 * MINUTE;
    const { code, out, err } = await story.as("b", "claim", "src/*.ts");
    expect({ code, out }).toEqual({ code: 4, out: "" });
    const [said = "", next] = err.split(/(?<=\]\n)(?=Try: )/);
    expect(framed(said), "what the holder says is data").toBe(
      'Cannot claim "src/*.ts": ann holds "src/db.ts" until 2026-05-01T12:30:00Z (12m more): "new index"',
    );
    expect(next).toBe("Try: agent-relay claim 'src/*.ts' --wait 90s, or agent-relay send --claim 'src/*.ts' \"...\"\n");
    const asJson = await story.as("b", "claim", "src", "--json");
    expect(asJson).toMatchObject({ code: 4, out: "" });
    expect(JSON.parse(asJson.err)).toMatchObject({
      error: { code: "conflict", next: expect.stringMatching(/^agent-relay/) },
    });
    expect((await story.as("b", "claim", "docs")).code).toBe(0);
    story.now += 12 * MINUTE;
    expect(await story.json("b", "claim", "src/*.ts"), "it has run out").toMatchObject({ token: 3 });
  });

  const requests = [
    ["src/db.ts"],
    ["db.ts", "--shared"],
    ["*.ts", "--apart"],
    ["it's $HOME.ts", "lib/**"],
    ["--resource", "db", "--resource", "ci"],
    ["./-x.ts", "--resource", "db"],
  ];
  test.each(requests.map((args) => ({ args })))(
    "the commands that a refusal of $args prints can be run as they stand, from the same folder",
    async ({ args }) => {
      const above = new Story();
      fs.mkdirSync(`${above.cwd}/src`);
      await above.as("a", "claim", ".", "--resource", "db", "--resource", "ci");
      const story = new Story(`${above.cwd}/src`);
      const wanted = await story.json<ClaimCheck>(
        "a",
        "check",
        ...args.filter((arg) => arg !== "--shared" && arg !== "--apart"),
      );
      expect(wanted.is_mine).toBe(true);

      const { err } = await story.as("b", "claim", ...args);
      const [again = "", ask = ""] = /Try: (.*)\n/.exec(err)?.[1]?.split(", or ") ?? [];
      expect((await story.as("b", ...argumentsIn(ask))).code).toBe(0);
      await above.as("a", "release", "--all");
      const claimed = await story.json<Claim>("b", ...argumentsIn(again));
      await above.as("b", "release", "--all");
      const meant = await story.json<Claim>("b", "claim", ...args);
      expect([claimed.targets, claimed.mode]).toEqual([meant.targets, meant.mode]);
    },
  );

  test("several are had all or none", async () => {
    const story = new Story();
    await story.as("a", "claim", "src");
    expect((await story.as("b", "claim", "docs", "src/db.ts", "--resource", "ci")).code).toBe(4);
    expect(await story.json("a", "claims")).toHaveLength(1);
    expect((await story.as("b", "claim", "docs", "--resource", "ci")).out).toContain(
      "Claimed docs, resource ci for 30m",
    );
  });

  test("again renews it, under the same token, for as long as is said then", async () => {
    const story = new Story();
    const first = await story.json<Claim>("a", "claim", "src", "--ttl", "1h", "--reason", "big move");
    story.now += 40 * MINUTE;
    const again = await story.json<Claim>("a", "claim", "src", "--ttl", "2h");
    expect(again).toEqual({ ...first, ttl_ms: 2 * HOUR, expires_at: iso(story.now + 2 * HOUR) });
    expect(await story.json("a", "claims")).toEqual([again]);
  });

  test("any number may share, and none of them keeps the others from sharing", async () => {
    const story = new Story();
    for (const session of ["a", "b", "c"]) expect((await story.as(session, "claim", "src", "--shared")).code).toBe(0);
    expect((await story.as("d", "claim", "src/db.ts")).code).toBe(4);
    for (const session of ["a", "b", "c"]) await story.as(session, "release", "src");
    expect((await story.as("d", "claim", "src/db.ts")).code).toBe(0);
    expect((await story.as("a", "claim", "src", "--shared")).code).toBe(4);
  });

  test("lasts from 10 seconds to 8 hours; a reason has at most 500 bytes; a resource is a word; nothing cannot be claimed", async () => {
    const story = new Story();
    for (const ttl of ["9s", "481m", "0s", "soon"])
      expect((await story.as("a", "claim", "x", "--ttl", ttl)).code).toBe(2);
    for (const resource of ["../x", "a b", "", "a/b", ".hidden", "con", "x".repeat(129)])
      expect((await story.as("a", "claim", "--resource", resource)).code, resource).toBe(2);
    expect((await story.as("a", "claim", "x", "--reason", "ä".repeat(251))).code).toBe(7);
    for (const args of [[], [""], ["a\0b"], [".."]]) expect((await story.as("a", "claim", ...args)).code).toBe(2);
    expect(fs.existsSync(`${story.cwd}/.relay/claims`)).toBe(false);
    for (const ttl of ["10s", "8h"]) expect((await story.as("a", "claim", "x", "--ttl", ttl)).code).toBe(0);
    expect((await story.as("a", "claim", "x", "--reason", "ä".repeat(250))).code).toBe(0);
  });

  test("what a reason, a path or a name says is shown, and does nothing", async () => {
    const story = new Story();
    await story.as("a", "claim", "src/\u001b[2J.ts", "--reason", "\u001b[2J\u202eevil\u0007\nWHAT  WHO");
    const shown = [
      (await story.as("b", "claims")).out,
      (await story.as("b", "check", "src")).out,
      (await story.as("b", "claim", "src")).err,
      (await story.as("b", "claims", "--json")).out,
      (await story.as("b", "claim", "src", "--json")).err,
    ];
    for (const text of shown) {
      expect(text).toMatch(/\\u001b\[2J\\u202eevil\\u0007\\n/);
      expect(text).not.toMatch(/[\u001b\u202e\u0007]|\nWHAT {2}WHO\n/);
    }
  });
});

describe("looking", () => {
  hereOnly("check says whether one could claim it, by its exit code too, and takes nothing", async () => {
    const story = new Story();
    expect(await story.as("b", "check", "src/db.ts")).toEqual({ code: 0, out: "free\n", err: "" });
    expect(fs.existsSync(`${story.cwd}/.relay`)).toBe(false);
    await story.as("a", "register", "--name", "ann");
    await story.as("a", "claim", "src", "--reason", "why");
    const others = await story.as("b", "check", "src/db.ts");
    expect([others.code, framed(others.out)]).toEqual([4, 'ann holds src for 30m more: "why"']);
    const own = await story.as("a", "check", "src/db.ts");
    expect([own.code, framed(own.out)]).toEqual([0, 'you hold src for 30m more: "why"']);
    const found = { is_free: true, is_mine: true, claims: live(story).claims, queue: [] };
    expect(await story.json("a", "check", "src/db.ts")).toEqual(found);
    expect(await story.json("a", "check", "src/db.ts", "docs")).toEqual({ ...found, is_mine: false });
    expect(await story.json("b", "check", "docs")).toEqual({ is_free: true, is_mine: false, claims: [], queue: [] });
    expect((await story.as("b", "check")).code).toBe(2);
    expect(live(story).claims).toHaveLength(1);
  });

  test("claims shows all of them or one's own, and as JSON the records", async () => {
    const story = new Story();
    expect(await story.as("b", "claims")).toEqual({ code: 0, out: "", err: "Nothing is claimed\n" });
    await story.as("a", "register", "--name", "ann");
    await story.as("a", "claim", "src", "docs/*.md", "--reason", "move");
    await story.as("b", "register", "--name", "bob");
    await story.as("b", "claim", "--resource", "ci", "--shared", "--ttl", "10s");
    expect(framed((await story.as("b", "claims")).out)).toBe(
      "WHAT\tWHO\tMODE\tLEFT\tWHY\nsrc, docs/*.md\tann\texclusive\t30m\tmove\nresource ci\tbob (you)\tshared\t10s\t-",
    );
    expect((await story.as("b", "claims", "--mine")).out).not.toContain("ann");
    expect(await story.json("b", "claims")).toEqual(live(story).claims);
    story.now += 10_000;
    expect(await story.json("b", "claims"), "one has run out").toHaveLength(1);
  });
});

describe("releasing", () => {
  test("gives back one's own, with what lies below it, and what another has or nobody has is an error", async () => {
    const story = new Story();
    for (const what of ["src/a.ts", "src/deep/b.ts", "docs"]) await story.as("a", "claim", what);
    await story.as("b", "register", "--name", "bob");
    await story.as("b", "claim", "lib", "--resource", "ci");
    expect(await story.as("a", "release", "src")).toMatchObject({ code: 0, out: "Released src/a.ts, src/deep/b.ts\n" });
    expect(await story.as("a", "release", "src")).toMatchObject({ code: 3, out: "" });
    const theirs = await story.as("a", "release", "lib");
    expect(theirs).toMatchObject({ code: 6, out: "" });
    expect(theirs.err).toContain('Cannot release "lib": bob holds "lib, resource ci", not you');
    expect(theirs.err).toContain('Try: agent-relay send --claim lib "..."');
    expect((await story.as("b", "release", "--resource", "ci")).out).toBe("Released resource ci\n");
    expect((await story.as("a", "release", "--all")).out).toBe("Released docs\n");
    expect(await story.as("a", "release", "--all")).toMatchObject({ code: 0, out: "You held nothing\n" });
    expect((await story.as("a", "release", "--all", "src")).code).toBe(2);
    expect((await story.as("a", "release")).code).toBe(2);
  });

  test("a part of a claim can be given back by its name, and what is only covered cannot", async () => {
    const story = new Story();
    await story.as("a", "claim", "src", "docs/x.md", "--ttl", "2h");
    const covered = await story.as("a", "release", "src/db.ts");
    expect(covered).toMatchObject({ code: 3, out: "" });
    expect(covered.err).toBe(
      'Cannot release "src/db.ts": you hold it as a part of "src, docs/x.md"\nTry: agent-relay release src docs/x.md\n',
    );
    expect((await story.as("b", "release", "src/db.ts")).err).toContain('a holds "src, docs/x.md", not you');
    expect((await story.as("a", "release", "src")).out).toBe("Released src\n");
    expect((await story.as("b", "claim", "src/db.ts")).code).toBe(0);
    expect((await story.as("b", "claim", "docs/x.md")).code).toBe(4);
  });

  test("claiming again keeps the time it was claimed for, and one that becomes exclusive has a new token", async () => {
    const story = new Story();
    const claim = (session: string, ...args: string[]) =>
      story.json<{ ttl_ms: number; token: number }>(session, "claim", "lib", ...args);
    expect(await claim("a", "--shared", "--ttl", "8h")).toMatchObject({ ttl_ms: 8 * 3_600_000, token: 1 });
    expect(await claim("b", "--shared")).toMatchObject({ ttl_ms: 30 * 60_000, token: 2 });
    await story.as("b", "release", "lib");
    expect(await claim("a")).toMatchObject({ ttl_ms: 8 * 3_600_000, token: 3 });
  });

  test("what lies in a glob that one holds is one's own", async () => {
    const story = new Story();
    await story.as("a", "claim", "src/**/*.ts");
    expect(await story.json("a", "check", "src/deep/db.ts")).toMatchObject({ is_mine: true, is_free: true });
    expect(await story.json("a", "check", "src/deep/db.js")).toMatchObject({ is_mine: false, is_free: true });
    expect(await story.json("a", "check", "src")).toMatchObject({ is_mine: false, is_free: true });
  });

  hereOnly("tokens go on after a record of claims that was lost", async () => {
    const story = new Story();
    await story.as("a", "claim", "x", "y");
    await story.as("a", "claim", "z");
    fs.writeFileSync(`${story.cwd}/.relay/claims/live.json`, "");
    expect((await story.as("a", "claims")).code).toBe(1);
    expect((await story.json<{ token: number }>("a", "claim", "x")).token).toBeGreaterThan(2);
  });

  test("what was claimed for one worktree only can be given back by its name", async () => {
    const story = new Story();
    await story.as("a", "claim", "src/db.ts", "--apart");
    expect(await story.as("a", "release", "src/db.ts")).toMatchObject({
      code: 0,
      out: `Released src/db.ts (only in ${story.cwd})\n`,
    });
  });

  test("--force takes it away for a person at a terminal alone, and the loser is told", async () => {
    const story = new Story();
    await story.as("b", "claim", "src/db.ts");
    expect(
      (await story.as(undefined, "release", "src/db.ts", "--force", "--session", "ann", "--agent", "human")).code,
    ).toBe(6);
    story.isTerminal = true;
    expect((await story.as("claude-1", "release", "src/db.ts", "--force")).code).toBe(6);
    const person = ["--session", "ann", "--agent", "human"];
    expect((await story.as(undefined, "release", "src/db.ts", ...person)).code, "without it").toBe(6);
    expect(await story.as(undefined, "release", "src/db.ts", "--force", ...person)).toMatchObject({
      ...{ code: 0, out: "Released src/db.ts\n" },
    });
    expect((await story.as("b", "inbox")).out).toContain("ann took your claim on src/db.ts away from you (--force)");
    expect(await story.json("b", "claims")).toEqual([]);
  });

  test("with --force gives back all one holds without telling oneself", async () => {
    const story = new Story();
    story.isTerminal = true;
    const person = ["--session", "ann", "--agent", "human"];
    await story.as(undefined, "claim", "src", ...person);
    expect((await story.as(undefined, "release", "src", "--force", ...person)).code).toBe(0);
    expect((await story.as("ann", "unread")).out).toBe("0\n");
  });
});

describe("holders that go", () => {
  test("one whose process was killed loses its claims at once, to whoever asks", async () => {
    const story = Story.ofOneUser();
    const child = await livingProcess();
    await story.as("a", "register", "--pid", String(child.pid));
    await story.as("a", "claim", "src", "--ttl", "8h");
    expect((await story.as("b", "claim", "src/db.ts")).code).toBe(4);
    await kill(child);
    expect((await story.as("b", "check", "src/db.ts")).out).toBe("free\n");
    expect((await story.as("b", "claims")).err).toBe("Nothing is claimed\n");
    expect(await story.json("b", "claim", "src/db.ts")).toMatchObject({ token: 2 });
  });

  test("one whose pid is now another process's loses them too", async () => {
    const story = Story.ofOneUser();
    await story.as("a", "register", "--pid", String(process.pid));
    await story.as("a", "claim", "src");
    const file = `${story.cwd}/.relay/agents/a.json`;
    fs.writeFileSync(file, JSON.stringify({ ...JSON.parse(fs.readFileSync(file, "utf8")), pid_started: 1 }));
    expect((await story.as("b", "claim", "src")).code).toBe(0);
  });

  test("one that unregisters gives all back, and one that is cleaned up too", async () => {
    const story = Story.ofOneUser();
    await story.as("a", "claim", "src");
    await story.as("a", "claim", "--resource", "ci");
    await story.as("a", "unregister");
    expect(live(story).claims).toEqual([]);
    const child = await livingProcess();
    await story.as("c", "register", "--pid", String(child.pid));
    await story.as("c", "claim", "src");
    await kill(child);
    await story.as("b", "cleanup");
    expect((await story.as("b", "claim", "src")).code).toBe(0);
  });

  test("one that is idle for hours keeps them while it renews them, and without that as long as they last", async () => {
    const story = Story.ofOneUser();
    await story.as("a", "register", "--pid", String(process.pid));
    await story.as("a", "claim", "src");
    await story.as("b", "register"); // no process is known of it
    await story.as("b", "claim", "docs", "--ttl", "4h");
    for (const holder = relayOf(story, "a"); story.now < Date.parse("2026-05-01T15:10:00Z"); story.now += 29 * MINUTE)
      expect(await holder.claims.renew()).toHaveLength(1);
    expect((await story.as("c", "agents")).out).toMatch(/idle/);
    for (const what of ["src", "docs"]) expect((await story.as("c", "claim", what)).code).toBe(4);
    story.now += HOUR;
    for (const what of ["src", "docs"]) expect((await story.as("c", "claim", what)).code).toBe(0);
    expect(await relayOf(story, "a").claims.renew(), "what is lost is not renewed").toEqual([]);
  });
});

describe("waiting in line", () => {
  test("ends after its time with the exit code of a timeout, and leaves the line", async () => {
    const story = new Story();
    await story.as("a", "register", "--name", "ann");
    await story.as("a", "claim", "src");
    const late = await story.as("b", "claim", "src", "--wait", "100ms");
    expect(late).toMatchObject({ code: 5, out: "" });
    expect(late.err).toMatch(/^Cannot claim "src": after 0s of waiting, ann holds "src" until/);
    expect(live(story).queue).toEqual([]);
  });

  test("ends with the claim when the holder releases it, for each in turn", async () => {
    const story = new Story();
    await story.as("a", "claim", "src");
    const second = story.json("b", "claim", "src/db.ts", "--wait");
    await inLine(story, 1);
    const third = story.json("c", "claim", "src", "--wait", "1m");
    await inLine(story, 2);
    expect((await story.as("d", "claim", "src/db.ts")).err).toMatch(/is in line for "src\/db.ts" already/);
    expect((await story.as("d", "check", "src/other.ts")).code).toBe(4);
    await story.as("a", "release", "src");
    expect(await second).toMatchObject({ token: 2, ttl_ms: 30 * MINUTE });
    expect((await story.as("a", "claim", "src/db.ts")).code, "no way past the line").toBe(4);
    await story.as("b", "release", "src");
    expect(await third).toMatchObject({ token: 3 });
  });

  const ends: [string, (story: Story, holder: ChildProcess) => unknown][] = [
    ["unregisters", (story) => story.as("a", "unregister")],
    ["is killed", (_, holder) => kill(holder)],
    ["lets it run out", (story) => (story.now += 30 * MINUTE)],
    ["has it taken away", (story) => relayOf(story, "ann").release("src", { force: true, cwd: story.cwd })],
  ];
  test.each(ends)("ends with the claim when the holder %s", async (_, end) => {
    const story = Story.ofOneUser();
    const child = await livingProcess();
    await story.as("a", "register", "--pid", String(child.pid));
    await story.as("a", "claim", "src");
    const waiting = relayOf(story, "b").claim("src", { waitMs: Number.POSITIVE_INFINITY });
    await inLine(story, 1);
    await end(story, child);
    expect(await waiting).toMatchObject({ session_id: "b", token: 2, claimed_at: iso(story.now) });
    expect(await waiting).not.toHaveProperty("offered_until");
  });

  test("ends when its signal is aborted, with that reason, and the next in line moves up", async () => {
    const story = new Story();
    await story.as("a", "claim", "src");
    const end = new AbortController();
    const waiting = relayOf(story, "b").claim(["src", "docs"], { waitMs: HOUR, signal: end.signal });
    await inLine(story, 1);
    const next = relayOf(story, "c").claim("docs", { waitMs: HOUR });
    await inLine(story, 2);
    end.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    expect((await next).token).toBe(2);
    expect(live(story).queue).toEqual([]);
    const aborted = relayOf(story, "b").claim("src", { waitMs: HOUR, signal: AbortSignal.abort(new Error("before")) });
    await expect(aborted).rejects.toThrow("before");
    expect(live(story).queue).toEqual([]);
  });

  test("is refused to who would close a circle, who is told who is in it", async () => {
    const story = Story.ofOneUser();
    for (const session of ["a", "b", "c"]) await story.as(session, "register", "--name", `${session}1`);
    for (const session of ["a", "b", "c"]) await story.as(session, "claim", `${session}.ts`);
    const end = new AbortController();
    const first = relayOf(story, "a").claim("b.ts", { waitMs: HOUR, cwd: story.cwd, signal: end.signal });
    await inLine(story, 1);
    const second = relayOf(story, "b").claim("c.ts", { waitMs: HOUR, cwd: story.cwd, signal: end.signal });
    await inLine(story, 2);
    const closing = await story.as("c", "claim", "a.ts", "--wait", "1h");
    expect(closing).toMatchObject({ code: 4, out: "" });
    expect(closing.err).toContain(
      "nobody in this circle could go on: c1 waits for a1 (a.ts), a1 waits for b1 (b.ts), b1 waits for c1 (c.ts)",
    );
    expect((await story.as("d", "claim", "a.ts", "--wait", "50ms")).code, "no circle: it only has to wait").toBe(5);
    end.abort(new Error("over"));
    for (const waiting of [first, second]) await expect(waiting).rejects.toThrow("over");
    expect((await story.as("c", "claim", "a.ts", "--wait", "50ms")).code).toBe(5);
  });

  test("leaves nothing behind that grows with each that waited", async () => {
    const story = new Story();
    for (let round = 0; round < 3; round++) {
      await story.as("a", "claim", "src");
      const waiting = story.as("b", "claim", "src", "--wait");
      await inLine(story, 1);
      await story.as("a", "release", "src");
      expect((await waiting).code).toBe(0);
      await story.as("b", "release", "src");
    }
    expect(fs.readdirSync(`${story.cwd}/.relay/waits/b`)).toEqual(["claims"]);
  });
});

describe.skipIf(isOverHttp)("a record that cannot be used", () => {
  const claim = { id: "c", session_id: "a", agent_id: "x", targets: [{ path: "src" }], mode: "exclusive", token: 1 };
  const times = { claimed_at: iso(0), expires_at: iso(8e15), ttl_ms: 60_000 };
  const record = (more: object) => JSON.stringify({ token: 1, claims: [], queue: [], edges: [], ...more });
  const broken: [string, string][] = [
    ["is empty", ""],
    ["is half", record({}).slice(0, 20)],
    ["is a list", "[]"],
    ["has no fields", "{}"],
    ["has a claim without a time", record({ claims: [claim] })],
    ["has a claim by a path", record({ claims: [{ ...claim, ...times, session_id: "../../x" }] })],
    [
      "has a claim until after the end of all dates",
      record({ claims: [{ ...claim, ...times, expires_at: "+275760-09-14T00:00:00.000Z" }] }),
    ],
    [
      "has a waiter whose id is a path",
      record({ queue: [{ ...claim, ...times, id: "../x", since: 0, pid: 1, place: "" }] }),
    ],
  ];
  test.each(broken)("because it %s is said to be so once and set aside; then all goes on", async (_, content) => {
    const story = new Story();
    await story.as("b", "claim", "src");
    fs.writeFileSync(`${story.cwd}/.relay/claims/live.json`, content);
    const [first, second] = [await story.as("b", "check", "src"), await story.as("b", "claim", "src")];
    expect(first).toMatchObject({ code: 1, out: "" });
    expect(first.err).toMatch(/Cannot read ".*claims\/live/);
    expect(first.err).not.toContain("has a bug");
    expect(second).toMatchObject({ code: 0, err: "" });
    const kept = fs.readdirSync(`${story.cwd}/.relay/quarantine`).find((name) => name.endsWith(".json")) ?? "";
    expect(fs.readFileSync(path.join(story.cwd, ".relay/quarantine", kept), "utf8")).toBe(content);
  });

  hereOnly("does not keep who releases or unregisters from being told so either", async () => {
    const story = new Story();
    for (const args of [["release", "--all"], ["claims"], ["unregister"]]) {
      await story.as("b", "claim", "src");
      fs.writeFileSync(`${story.cwd}/.relay/claims/live.json`, "{");
      expect((await story.as("b", ...args)).code, args.join(" ")).toBe(1);
      expect((await story.as("b", "claims")).code).toBe(0);
    }
  });
});

test.runIf(isOverHttp)("what is left of a lease was counted by the local clock, and not by the server's", async () => {
  const story = new Story();
  await story.as("a", "claim", "src", "--ttl", "30m");
  const env = await overHttp(story, "b");
  const ahead = Object.assign(new Story(story.cwd), { state: story.state, env, now: story.now + 20 * 60_000 });
  expect((await ahead.as("b", "claims")).out).toMatch(/src\t.*\t30m\t/);
  expect((await ahead.as("b", "status")).out).toMatch(/src\t.*\t30m\t/);
});
