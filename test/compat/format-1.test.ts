import fs from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Relay } from "../../src/relay.ts";
import { FileStore } from "../../src/store/file/file-store.ts";
import { inFormat2 } from "../../src/store/format.ts";
import { DOCTOR_CHECKS } from "../../src/upkeep/doctor.ts";
import { tempDir } from "../support/cli.ts";
import { FORMAT_1_FILES as files, WRITTEN, writeFormat1 } from "../support/format-1.ts";

function oldRelay(): string {
  const dir = path.join(tempDir(), ".relay");
  writeFormat1(dir);
  return dir;
}

function as(dir: string, session?: string): Relay {
  return new Relay(dir, { session, agent: "claude", durability: "process", now: () => WRITTEN + 60_000 });
}

/** What a program sees of it all, but for the relay's own record. */
async function seen(dir: string) {
  const { exported_at: _, relay: __, ...rest } = await as(dir).admin.dump();
  return rest;
}

function textsIn(dir: string): Record<string, string> {
  return Object.fromEntries(
    Object.keys(files)
      .filter((name) => name.endsWith(".json"))
      .map((name) => [name, fs.readFileSync(path.join(dir, name), "utf8")]),
  );
}

const WAYS: [string, (dir: string) => Promise<unknown>][] = [
  ["the first write", (dir) => as(dir, "ann").activity.note("here")],
  ["a message", (dir) => as(dir, "ann").send("hello", { to: "bob" })],
  ["a sign of life", (dir) => as(dir, "ann").agents.heartbeat()],
  [
    "doctor --fix",
    async (dir) => {
      const place = { dir, cwd: dir, now: WRITTEN, env: {} };
      const [finding] = DOCTOR_CHECKS.find(({ name }) => name === "format")?.look(place) ?? [];
      expect(finding?.what).toContain("is of format 1, and 2 is written");
      expect(await finding?.fix?.()).toMatch(/carried .* over to format 2: \d+ records/);
    },
  ],
];

test.each(WAYS)("%s carries a relay of format 1 over, and all in it means what it meant", async (_, write) => {
  const dir = oldRelay();
  const before = await seen(dir);
  expect(before.claims.claims).toHaveLength(2);
  expect(before.tasks.map(({ state }) => state).sort()).toEqual(["done", "in_progress", "pending"]);
  expect(before.agents.map(({ session_id }) => session_id).sort()).toEqual(["ann", "bob"]);
  expect(before.agents.find(({ session_id }) => session_id === "ann")?.status_at).toMatch(/^2026-12-01T.*Z$/);
  expect(before.ended[0]?.ended_at).toMatch(/^2026-12-01T.*Z$/);
  await write(dir);
  const after = await seen(dir);
  const same = ["ended", "claims", "tasks", "task_standings", "decisions", "waits"] as const;
  for (const what of same) expect(after[what], what).toEqual(before[what]);
  const texts = Object.values(textsIn(dir));
  expect(JSON.parse(fs.readFileSync(`${dir}/relay.json`, "utf8"))).toMatchObject({ format: 2 });
  expect(
    texts.filter((text) => /"\w+_at": ?\d|"since": ?\d|"ttl"/.test(text.replace(/"registered_at": ?\d+/, ""))),
  ).toEqual([]);
  expect(DOCTOR_CHECKS.find(({ name }) => name === "format")?.look({ dir, cwd: dir, now: WRITTEN, env: {} })).toEqual(
    [],
  );
});

test("who only reads a relay of format 1 changes no byte of it", async () => {
  const dir = oldRelay();
  const before = textsIn(dir);
  const looker = new Relay(dir, { session: undefined, now: () => WRITTEN });
  await looker.admin.dump();
  await looker.activity.list();
  await looker.claims.list();
  expect(textsIn(dir)).toEqual(before);
});

test("a run that was killed among the records is gone on with by the next write", async () => {
  const dir = oldRelay();
  const before = await seen(dir);
  const key = Object.keys(files).find((name) => /^tasks\/.*\.json$/.test(name)) ?? "";
  const record = JSON.parse(fs.readFileSync(path.join(dir, key), "utf8"));
  fs.writeFileSync(path.join(dir, key), JSON.stringify(inFormat2(key.replace(".json", ""), record)));
  expect(JSON.parse(fs.readFileSync(`${dir}/relay.json`, "utf8"))).toMatchObject({ format: 1 });
  await as(dir, "ann").activity.note("here");
  expect((await seen(dir)).tasks).toEqual(before.tasks);
  expect(JSON.parse(fs.readFileSync(`${dir}/relay.json`, "utf8"))).toMatchObject({ format: 2 });
});

test("eight processes' first writes at once carry it over, and each is there", async () => {
  const dir = oldRelay();
  const before = await seen(dir);
  await Promise.all(Array.from({ length: 8 }, (_, at) => as(dir, "ann").send(`word ${at}`, { to: "bob" })));
  const after = await seen(dir);
  expect(after.tasks).toEqual(before.tasks);
  expect(after.messages).toHaveLength(before.messages.length + 8);
});

test("a record that cannot be read does not keep the others from being carried over", async () => {
  const dir = oldRelay();
  fs.writeFileSync(`${dir}/tasks/task-broken.json`, "{");
  expect(await new FileStore(dir).carryOver()).toBeGreaterThan(5);
  expect(fs.readFileSync(`${dir}/tasks/task-broken.json`, "utf8")).toBe("{");
});

test("what is of format 2 stays the very same, and what an agent says of itself is its own", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("claims/live", "tasks/task-1", "waits/w", "agents/a", "members/m"),
      fc.dictionary(fc.string(), fc.jsonValue()),
      (key, given) => {
        const record = inFormat2(key, given);
        expect(inFormat2(key, record)).toBe(record);
      },
    ),
  );
  const machines = { ttl: { key: "k", added_at: 5 }, since: { key: "k", added_at: 5 } };
  const at = { key: "k", added_at: "1970-01-01T00:00:00.005Z" };
  expect(inFormat2("members/m", { machines }), "a machine may be called so").toEqual({
    machines: { ttl: at, since: at },
  });
  const metadata = { ttl: 5, expires_at: 5, ended_at: 5 };
  const agent = { session_id: "a", registered_at: 5, last_heartbeat: 5, metadata, ended_at: 5 };
  expect(inFormat2("agents/a", agent)).toEqual({ ...agent, ended_at: "1970-01-01T00:00:05.000Z" });
});
