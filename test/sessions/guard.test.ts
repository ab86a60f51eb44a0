import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { describe, expect, test } from "vitest";
import { Story } from "../cli.ts";
import { hasGit, Repository } from "../repository.ts";

describe.skipIf(!hasGit)("the git guard", () => {
  test("refuses a commit of what another has claimed, and says who, why, and what to do", async () => {
    const repository = new Repository();
    const { story } = repository;
    expect((await story.as("me", "guard", "install")).code).toBe(0);
    await story.as("bob", "register", "--name", "bob");
    await story.as("bob", "claim", "a.ts", "--reason", "new grammar");
    repository.change("b.ts");
    expect(repository.git("commit", "--quiet", "-m", "b").status, "of what is free").toBe(0);
    repository.change("a.ts");
    const { status, stderr } = repository.git("commit", "--quiet", "-m", "a");
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^agent-relay: a\.ts is claimed by bob for \w+ more: "new grammar"\nTry: agent-relay send --claim a\.ts/,
    );
    await story.as("bob", "release", "a.ts");
    await story.as("me", "claim", "a.ts");
    expect(repository.git("commit", "--quiet", "-m", "a").status, "of what is mine").toBe(0);
  });

  test("is passed over once by its variable, and that is on record", async () => {
    const repository = new Repository();
    const { story } = repository;
    await story.as("me", "guard", "install");
    await story.as("bob", "claim", "a.ts");
    repository.change("a.ts");
    expect(repository.gitWith({ AGENT_RELAY_GUARD: "off" }, "commit", "--quiet", "-m", "a")).toMatchObject({
      status: 0,
    });
    expect((await story.as("me", "activity")).out).toContain("AGENT_RELAY_GUARD=off: a.ts");
    repository.change("a.ts");
    expect(repository.git("commit", "--quiet", "-m", "again").status).toBe(1);
  });

  test("calls the hook that was there first, whose no is a no, and gives it back byte for byte", async () => {
    const repository = new Repository();
    const { story } = repository;
    const file = `${story.cwd}/.git/hooks/pre-commit`;
    fs.mkdirSync(`${story.cwd}/.git/hooks`, { recursive: true });
    fs.writeFileSync(file, '#!/bin/sh\necho "before $#" >&2\nexit "$(cat verdict)"\n', { mode: 0o711 });
    const before = [fs.readFileSync(file, "utf8"), fs.statSync(file).mode];
    for (const _ of ["first", "again"]) expect((await story.as("me", "guard", "install")).code).toBe(0);
    for (const [verdict, status] of [
      ["7", 1],
      ["0", 0],
    ] as const) {
      fs.writeFileSync(`${story.cwd}/verdict`, verdict);
      repository.change("b.ts");
      expect(repository.git("commit", "--quiet", "-m", "x")).toEqual({ status, stderr: "before 0\n" });
    }
    expect((await story.as("me", "guard", "remove")).out).toBe(`Removed ${file}\n`);
    expect([fs.readFileSync(file, "utf8"), fs.statSync(file).mode]).toEqual(before);
    expect(fs.readdirSync(`${story.cwd}/.git/hooks`).filter((name) => name.includes("agent-relay"))).toEqual([]);
    expect((await story.as("me", "guard", "remove")).out).toBe("There was no hook of ours\n");
  });

  test("stands where a hook manager has told git to look, and before a push if that was asked for", async () => {
    const repository = new Repository();
    const { story } = repository;
    repository.git("config", "core.hooksPath", ".hooks");
    await story.as("me", "guard", "install", "--push");
    expect(fs.readdirSync(`${story.cwd}/.hooks`).sort()).toEqual(["pre-commit", "pre-push"]);
    fs.mkdirSync(`${repository.base}/remote`);
    spawnSync("git", ["init", "--quiet", "--bare"], { cwd: `${repository.base}/remote` });
    repository.git("remote", "add", "origin", `${repository.base}/remote`);
    repository.change("b.ts");
    repository.git("commit", "--quiet", "-m", "b");
    await story.as("bob", "claim", "b.ts");
    expect(repository.git("push", "--quiet", "origin", "HEAD").status).toBe(1);
    await story.as("bob", "release", "b.ts");
    expect(repository.git("push", "--quiet", "origin", "HEAD").status).toBe(0);
  });

  test("holds nobody up where the command is gone, where there is no relay, or no repository", async () => {
    const repository = new Repository();
    const { story } = repository;
    await story.as("me", "guard", "install");
    repository.change("a.ts");
    expect(repository.git("commit", "--quiet", "-m", "no relay").status).toBe(0);
    await story.as("bob", "claim", "a.ts");
    const file = `${story.cwd}/.git/hooks/pre-commit`;
    fs.writeFileSync(file, fs.readFileSync(file, "utf8").replaceAll("agent-relay.cjs", "gone.cjs"));
    repository.change("a.ts");
    expect(repository.git("commit", "--quiet", "-m", "no command").status).toBe(0);
    expect((await new Story().as("me", "guard", "install")).code).toBe(3);
  });
});
