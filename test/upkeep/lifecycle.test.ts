import fs from "node:fs";
import { describe, expect, test } from "vitest";
import { RelayError } from "../../src/errors.ts";
import { Relay } from "../../src/relay.ts";
import { FileStore } from "../../src/store/file/file-store.ts";
import type { Store } from "../../src/store/store.ts";
import { Story, tempDir } from "../support/cli.ts";
import { treeOf } from "../support/folder-tree.ts";
import { FatefulStore } from "../support/killable-store.ts";

const relayOf = (story: Story, session: string) =>
  new Relay(`${story.cwd}/.relay`, { session, agent: "claude", durability: "process", now: () => story.now });

describe("finish", () => {
  test("ends every session and claim, refuses new ones with what to do, still shows all, and reopen undoes it", async () => {
    const story = new Story();
    await story.as("ann", "claim", "src");
    await story.as("bob", "send", "hello");
    expect(await story.as("ann", "finish")).toMatchObject({
      code: 0,
      out: expect.stringContaining("2 sessions ended"),
    });
    expect(await story.json("ann", "agents")).toEqual([]);
    expect(await story.json("ann", "claims")).toEqual([]);
    for (const args of [["register"], ["send", "more"], ["claim", "src"], ["task", "add", "x"], ["decide", "x"]]) {
      const { code, err } = await story.as("cay", ...args);
      expect(code, args.join(" ")).toBe(6);
      expect(err).toContain("this project was finished on 2026-05-01");
      expect(err).toContain("Try: agent-relay reopen");
    }
    expect((await story.as("ann", "inbox")).out).toContain("hello");
    expect((await story.as("ann", "history")).out).toContain("hello");
    for (const args of [["status"], ["show", "mail"], ["export"], ["doctor", "--json"], ["gc"], ["activity"]])
      expect((await story.as("ann", ...args)).err, args.join(" ")).not.toContain("Cannot");
    expect((await story.as("ann", "status")).out).toContain("agent-relay reopen");

    expect((await story.as("ann", "reopen")).code).toBe(0);
    expect(await story.as("ann", "reopen")).toMatchObject({ code: 4 });
    expect((await story.as("cay", "send", "more")).code).toBe(0);
    expect((await story.as("ann", "inbox")).out).toContain("more");
  });

  test("wakes who waits for a path, or for the end of somebody", async () => {
    const story = new Story();
    await story.as("ann", "register", "--name", "anna");
    await story.as("ann", "claim", "src");
    const waits = [relayOf(story, "bob").wait({ released: ["src"] }), relayOf(story, "cay").wait({ ended: ["ann"] })];
    const edges = () => JSON.parse(fs.readFileSync(`${story.cwd}/.relay/claims/live.json`, "utf8")).edges;
    await expect.poll(edges, { interval: 5 }).toHaveLength(2);
    await story.as("ann", "finish");
    const woken = await Promise.all(waits);
    expect(woken.map(({ outcome }) => outcome)).toEqual([["src is free"], ["anna has left"]]);
  });
});

test("whoever registers while the project is being finished, at any moment, is refused or ended, and is not there", async () => {
  for (let n = 1; ; n++) {
    const store = new FileStore(`${tempDir()}/.relay`, { durability: "process" });
    const relay = (session: string, over: Store = store) => new Relay("/nowhere/.relay", { session, store: over });
    await relay("ann").agents.register();
    let calls = 0;
    const held = new FatefulStore(store, async () => {
      if (++calls === n) await relay("ann").admin.finish();
    });
    const registered = await relay("bob", held)
      .agents.register()
      .then(
        () => "registered",
        (error: unknown) => (error instanceof RelayError ? error.code : error),
      );
    if (calls < n) break;
    expect(["registered", "refused"]).toContain(registered);
    expect(
      (await relay("ann").agents.list()).map(({ session_id }) => session_id),
      `finished at call ${n}`,
    ).toEqual([]);
  }
});

describe("forget", () => {
  test("without --yes changes nothing; with it, nothing is left", async () => {
    const story = new Story();
    await story.as("ann", "send", "hello");
    const before = treeOf(story.cwd);
    expect(await story.as("ann", "forget")).toMatchObject({ code: 2, err: expect.stringContaining("forget --yes") });
    expect(treeOf(story.cwd)).toEqual(before);
    expect((await story.as("ann", "forget", "--yes")).code).toBe(0);
    expect(fs.readdirSync(story.cwd)).toEqual([]);
    expect((await story.as("ann", "forget", "--yes")).code).toBe(3);
  });

  test("refuses what is no relay, or a link to one, and leaves it", async () => {
    const story = new Story();
    await story.as("ann", "send", "hello");
    const other = tempDir();
    fs.writeFileSync(`${other}/work.ts`, "");
    await story.as("ann", "export", "--to", other);
    fs.symlinkSync(`${story.cwd}/.relay`, `${story.cwd}/link`);
    const before = [treeOf(other), treeOf(`${story.cwd}/.relay`)];
    for (const dir of [other, `${story.cwd}/link`, story.cwd])
      expect(await story.as("ann", "forget", "--dir", dir, "--yes"), dir).toMatchObject({ code: 6, out: "" });
    expect([treeOf(other), treeOf(`${story.cwd}/.relay`)]).toEqual(before);
  });

  test("a process that goes on afterwards makes a relay anew", async () => {
    const story = new Story();
    const [ann, bob] = [relayOf(story, "ann"), relayOf(story, "bob")];
    await ann.send("before");
    await bob.inbox();
    await story.as("ann", "forget", "--yes");
    story.now += 2000;
    await ann.send("after");
    expect((await bob.inbox()).items.map(({ message }) => message.content)).toEqual(["after"]);
    expect(fs.existsSync(`${story.cwd}/.relay/relay.json`)).toBe(true);
  });
});

describe("projects", () => {
  test("lists what was used, by strange paths too, says what is gone, and drops what was forgotten", async () => {
    const base = tempDir();
    const long = ["a", "b"].map((middle) => `${"é".repeat(90)}/${middle}/${"日本".repeat(40)}`);
    const folders = ["plain", "with space ", "ünï ✓", "line\nbreak", "per%2Fcent+plus", ...long].map(
      (name) => `${base}/${name}`,
    );
    const story = new Story(base);
    const known = () => story.json<{ dir: string; exists: boolean }[]>("a", "projects");
    expect(await story.as("a", "projects")).toMatchObject({ code: 0, out: "", err: "You have used no relay yet\n" });
    for (const dir of folders) {
      fs.mkdirSync(dir, { recursive: true });
      for (const _ of ["first", "second"]) await story.as("a", "send", "--dir", `${dir}/.relay`, "hello");
    }
    const dirs = folders.map((dir) => `${dir}/.relay`).sort();
    expect(await known()).toEqual(dirs.map((dir) => ({ dir, exists: true })));
    fs.rmSync(`${base}/plain`, { recursive: true });
    expect((await known()).filter(({ exists }) => !exists)).toEqual([{ dir: `${base}/plain/.relay`, exists: false }]);
    expect((await story.as("a", "projects")).out).toContain(`${base}/plain/.relay (gone)\n`);
    await story.as("a", "forget", "--yes", "--dir", `${folders[6]}/.relay`);
    expect((await known()).map(({ dir }) => dir)).toEqual(dirs.filter((dir) => dir !== `${folders[6]}/.relay`));
    const here = (await known()).filter(({ exists }) => exists);
    expect((await story.as("a", "projects", "--prune")).out).not.toContain("(gone)");
    expect(await known(), "what is gone can be forgotten").toEqual(here);
  });

  test("a state folder that cannot be written to, or is none, costs nothing but the list", async () => {
    const story = new Story();
    fs.rmSync(story.state, { recursive: true });
    fs.writeFileSync(story.state, "");
    for (const args of [["send", "hello"], ["send", "again"], ["projects"], ["forget", "--yes"]])
      expect(await story.as("a", ...args), args.join(" ")).toMatchObject({ code: 0 });
  });
});

test("forget that failed had moved the relay away", async () => {
  const { forget } = await import("../../src/upkeep/lifecycle.ts");
  const { vi } = await import("vitest");
  const story = new Story();
  await story.as("a", "send", "hello");
  const failing = vi.spyOn(fs, "rmSync").mockImplementation(() => {
    throw Object.assign(new Error("EACCES"), { code: "EACCES" });
  });
  try {
    expect(() => forget(`${story.cwd}/.relay`)).toThrow("Cannot forget");
  } finally {
    failing.mockRestore();
  }
  expect((await story.as("a", "history")).out).toContain("hello");
});
