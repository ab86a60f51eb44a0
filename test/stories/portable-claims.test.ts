import fs from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Claim, Relay } from "../../src/index.ts";
import { iso } from "../../src/time.ts";
import { Story, tempDir } from "../support/cli.ts";

// Of what two older tools of this kind promise, by the numbers of their scenarios: the locks. See portable.test.ts.

const MINUTE = 60_000;

const claims = (story: Story, session = "watcher") => story.json<Claim[]>(session, "claims");
const code = async (story: Story, session: string, ...args: string[]) => (await story.as(session, ...args)).code;

function inLine(story: Story): Promise<unknown> {
  const queue = () => JSON.parse(fs.readFileSync(`${story.cwd}/.relay/claims/live.json`, "utf8")).queue;
  return expect.poll(queue, { interval: 5 }).toHaveLength(1);
}

describe("convoy", () => {
  test("convoy 44: a claim names its holder, is renewed by it alone, and ends by release, by time, or with its holder", async () => {
    const story = new Story();
    await story.as("a", "register", "--name", "ann");
    await story.as("a", "claim", "src/x.ts", "--ttl", "10m", "--reason", "first");
    expect((await story.as("b", "claim", "src/x.ts")).err).toContain('ann holds "src/x.ts"');
    expect(await code(story, "a", "claim", "src/x.ts", "--ttl", "20m", "--reason", "second")).toBe(0);
    expect(await claims(story)).toMatchObject([
      { session_id: "a", reason: "second", expires_at: iso(story.now + 20 * MINUTE) },
    ]);
    expect(await code(story, "b", "release", "src/x.ts")).toBe(6);
    expect(await code(story, "a", "release", "src/x.ts")).toBe(0);

    await story.as("a", "claim", "src/x.ts", "--ttl", "10s");
    await story.as("a", "claim", "src/y.ts", "--ttl", "10m");
    story.now += 10_000;
    expect(await claims(story), "just what ran out is gone").toMatchObject([{ targets: [{ path: "src/y.ts" }] }]);
    expect(await code(story, "b", "claim", "src/x.ts")).toBe(0);
    await story.as("a", "claim", "src/z.ts");
    expect((await story.as("a", "release", "--all")).out).toMatch(/src\/y\.ts.*src\/z\.ts/);
    expect(await claims(story)).toMatchObject([{ session_id: "b", targets: [{ path: "src/x.ts" }] }]);
  });

  test("convoy 48: whatever the path, and however many ask for it at once, exactly one has it", async () => {
    const part = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9 ._-]{0,6}[A-Za-z0-9]$/);
    const asked = fc.record({
      path: fc.array(part, { minLength: 1, maxLength: 3 }),
      actors: fc.integer({ min: 2, max: 5 }),
    });
    const base = tempDir();
    await fc.assert(
      fc.asyncProperty(asked, async ({ path, actors }) => {
        const cwd = fs.mkdtempSync(`${base}/project-`);
        const ask = async (index: number) => {
          const relay = new Relay(`${cwd}/.relay`, { session: `s${index}`, durability: "process" });
          return relay.claim(path.join("/"), { cwd }).then(
            () => "had",
            (error) => error.code,
          );
        };
        const ends = await Promise.all(Array.from({ length: actors }, (_, index) => ask(index)));
        expect(ends.sort()).toEqual([...Array(actors - 1).fill("conflict"), "had"]);
      }),
      { numRuns: 25 },
    );
  });
});

describe("agent-sync", () => {
  test("agent-sync 84, 85: what one has locked is its own, and another who asks is refused", async () => {
    const story = new Story();
    expect(await story.as("a", "claim", "src/x.ts")).toMatchObject({
      code: 0,
      out: expect.stringContaining("src/x.ts"),
    });
    expect(await claims(story)).toMatchObject([{ session_id: "a", targets: [{ path: "src/x.ts" }] }]);
    expect(await code(story, "b", "claim", "src/x.ts")).toBe(4);
    expect(await claims(story)).toMatchObject([{ session_id: "a" }]);
  });

  test("agent-sync 86: to lock again is to have it for longer", async () => {
    const story = new Story();
    await story.as("a", "claim", "src", "--ttl", "10m");
    story.now += 9 * MINUTE;
    await story.as("a", "claim", "src", "--ttl", "10m");
    story.now += 9 * MINUTE;
    expect(await code(story, "b", "claim", "src")).toBe(4);
    expect(await claims(story)).toHaveLength(1);
  });

  test("agent-sync 87, 88: what ran out, or whose holder is gone, keeps nobody out", async () => {
    const story = new Story();
    await story.as("a", "claim", "ran/out", "--ttl", "10s");
    await story.as("c", "claim", "left/behind", "--ttl", "8h");
    story.now += 10_000;
    expect((await story.as("b", "check", "ran/out")).out).toBe("free\n");
    expect(await code(story, "b", "claim", "ran/out")).toBe(0);
    story.now += 60 * MINUTE;
    expect(await code(story, "b", "claim", "left/behind"), "who is only silent for a while keeps it").toBe(4);
    await story.as("c", "unregister");
    expect((await story.as("b", "check", "left/behind")).out).toBe("free\n");
    expect(await code(story, "b", "claim", "left/behind")).toBe(0);
  });

  test("agent-sync 89, 90: its holder unlocks it; another needs --force, and a person's word for it", async () => {
    const story = new Story();
    await story.as("a", "claim", "src");
    expect(await code(story, "b", "release", "src")).toBe(6);
    expect(await code(story, "b", "release", "src", "--force"), "no terminal, no person").toBe(6);
    expect(await claims(story)).toHaveLength(1);
    expect(await code(story, "a", "release", "src")).toBe(0);
    expect(await claims(story)).toEqual([]);
  });

  test("agent-sync 91, 92: the list has what is live, and what ran out is kept nowhere for long", async () => {
    const story = new Story();
    await story.as("a", "claim", "short", "--ttl", "10s");
    await story.as("a", "claim", "long", "--ttl", "10m");
    story.now += 10_000;
    expect(await claims(story)).toMatchObject([{ targets: [{ path: "long" }] }]);
    expect((await story.as("a", "claims")).out).not.toContain("short");
    await story.as("a", "claim", "another");
    expect(fs.readFileSync(`${story.cwd}/.relay/claims/live.json`, "utf8")).not.toContain('"short"');
  });

  test("agent-sync 93, 94: a resource stays a resource: it is no file of that name, and has one holder", async () => {
    const story = new Story();
    await story.as("a", "claim", "--resource", "db");
    expect(await claims(story)).toMatchObject([{ targets: [{ resource: "db" }] }]);
    expect(await code(story, "b", "claim", "db"), "the file").toBe(0);
    expect(await code(story, "b", "claim", "--resource", "db")).toBe(4);
    expect((await story.as("c", "claims")).out).toMatch(/^resource db\t\S+\t/m);
  });

  test("agent-sync 95, 96: to wait for what is free is to have it; to wait too long is to be told who has it", async () => {
    const story = new Story();
    await story.as("a", "register", "--name", "ann");
    expect(await code(story, "a", "claim", "src", "--wait", "1m")).toBe(0);
    const late = await story.as("b", "claim", "src", "--wait", "20ms");
    expect(late).toMatchObject({ code: 5, err: expect.stringContaining('ann holds "src"') });
  });

  test("agent-sync 97: who waits has it when it is released meanwhile", async () => {
    const story = new Story();
    await story.as("a", "claim", "src");
    const waiting = story.as("b", "claim", "src", "--wait", "1m");
    await inLine(story);
    await story.as("a", "release", "src");
    expect(await waiting).toMatchObject({ code: 0, out: expect.stringContaining("Claimed src") });
    expect(await claims(story)).toMatchObject([{ session_id: "b" }]);
  });
});
