import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { describe, expect, test } from "vitest";
import { Story } from "../support/cli.ts";
import { hasGit, Repository } from "../support/git-repository.ts";

describe.skipIf(!hasGit)("conflicts", () => {
  test("lists what was changed in more than one worktree, and who works there", async () => {
    const repository = new Repository();
    const { story } = repository;
    expect(await story.as("me", "conflicts")).toMatchObject({ code: 0, err: expect.stringContaining("No file") });
    repository.git("worktree", "add", "--quiet", "../left");
    repository.git("worktree", "add", "--quiet", "../right");
    const [left, right] = [repository.at("left"), repository.at("right")];
    await left.as("bob", "register", "--name", "bob");
    fs.writeFileSync(`${left.cwd}/a.ts`, "left\n");
    fs.writeFileSync(`${left.cwd}/b.ts`, "left\n");
    fs.writeFileSync(`${right.cwd}/a.ts`, "right\n");
    spawnSync("git", ["-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qam", "right"], { cwd: right.cwd });
    fs.writeFileSync(`${right.cwd}/new file`, "");
    fs.writeFileSync(`${story.cwd}/new file`, "");
    for (const from of [story, left, right])
      expect(await from.as("me", "conflicts"), from.cwd).toEqual({
        ...{ code: 4, err: "" },
        out: expect.stringMatching(/^a\.ts: left \(bob\); right\nnew file: (main|master); right\n$/),
      });
    expect(await story.json("me", "conflicts")).toMatchObject([{ file: "a.ts" }, { file: "new file" }]);
  });

  /** A repository with a worktree of its own for each name, all begun at the first commit. */
  function withWorktrees(...names: string[]): Repository {
    const repository = new Repository();
    for (const name of names) repository.git("worktree", "add", "--quiet", `../${name}`);
    return repository;
  }

  test("a file committed on main since a worktree forked and changed there too was listed as no conflict", async () => {
    const repository = withWorktrees("feat");
    repository.commit("main", "a.ts", "main\n");
    expect(await repository.story.as("me", "conflicts")).toMatchObject({ code: 0 });
    repository.commit("feat", "a.ts", "feat\n");
    expect(repository.git("merge", "feat").status, "git finds one as well").toBe(1);
    repository.git("merge", "--abort");
    for (const from of ["main", "feat"])
      expect(await repository.at(from).as("me", "conflicts"), from).toMatchObject({
        code: 4,
        out: expect.stringMatching(/^a\.ts: (main|master); feat\n$/),
      });
    repository.commit("main", "a.ts", "1\n");
    expect(await repository.story.as("me", "conflicts"), "main has taken it back").toMatchObject({ code: 0, out: "" });
  });

  test("what a branch began with was listed as changed in it", async () => {
    const repository = withWorktrees("x");
    repository.commit("x", "a.ts", "x\n");
    repository.git("worktree", "add", "--quiet", "-b", "y", "../y", "x");
    expect(await repository.story.as("me", "conflicts")).toMatchObject({ code: 0, out: "" });
    repository.commit("x", "a.ts", "x again\n");
    repository.commit("y", "b.ts", "y\n");
    expect(await repository.story.as("me", "conflicts")).toMatchObject({ code: 0, out: "" });
    repository.commit("y", "a.ts", "y\n");
    expect(await repository.story.as("me", "conflicts")).toMatchObject({ code: 4, out: "a.ts: x; y\n" });
  });

  test("names with spaces, line ends and other letters are told apart, staged, renamed and unmerged ones too", async () => {
    const repository = withWorktrees("left", "right");
    for (const worktree of ["left", "right"]) {
      const { cwd } = repository.at(worktree);
      for (const file of ["é ü.ts", "two\nlines", "# branch.oid x"]) fs.writeFileSync(`${cwd}/${file}`, worktree);
      repository.gitIn(worktree, {}, "mv", "b.ts", `${worktree} b.ts`);
    }
    repository.commit("main", "a.ts", "main\n");
    repository.git("tag", "of-main");
    repository.commit("left", "a.ts", "left\n");
    expect(repository.gitIn("left", {}, "merge", "of-main").status, "it is in the middle of a merge").not.toBe(0);
    fs.writeFileSync(`${repository.at("right").cwd}/a.ts`, "right\n");
    expect(fs.readFileSync(`${repository.at("left").cwd}/a.ts`, "utf8")).toContain("<<<<<<<");
    const found = await repository.story.json<{ file: string }[]>("me", "conflicts");
    expect(found.map(({ file }) => file)).toEqual(["# branch.oid x", "a.ts", "b.ts", "two\nlines", "é ü.ts"]);
  });

  test("a worktree whose folder was deleted ended it with spawnSync git ENOENT", async () => {
    const repository = withWorktrees("gone", "emptied", "feat");
    fs.rmSync(`${repository.base}/gone`, { recursive: true });
    fs.rmSync(`${repository.base}/emptied/.git`);
    repository.commit("main", "a.ts", "main\n");
    repository.commit("feat", "a.ts", "feat\n");
    const { code, out, err } = await repository.story.as("me", "conflicts");
    expect({ code, out }).toEqual({ code: 4, out: expect.stringMatching(/^a\.ts: (main|master); feat\n$/) });
    expect(err.trimEnd().split("\n").sort()).toEqual(
      ["emptied", "gone"].map(
        (name) => `Left out ${repository.base}/${name}: it is no longer there. Try: git worktree prune`,
      ),
    );
  });

  test("a branch without a common commit ended it with exit code 1: all of both is in both", async () => {
    const repository = withWorktrees("apart");
    repository.gitIn("apart", {}, "checkout", "--quiet", "--orphan", "other");
    const both = {
      code: 4,
      out: expect.stringMatching(/^a\.ts: (main|master); other\nb\.ts: (main|master); other\n$/),
    };
    expect(await repository.story.as("me", "conflicts"), "before its first commit").toMatchObject(both);
    repository.gitIn("apart", {}, "commit", "--quiet", "-m", "apart");
    expect(await repository.story.as("me", "conflicts")).toMatchObject(both);
    repository.gitIn("apart", {}, "rm", "--quiet", "a.ts");
    repository.gitIn("apart", {}, "commit", "--quiet", "-m", "less");
    expect((await repository.story.as("me", "conflicts")).out).toMatch(/^b\.ts: (main|master); other\n$/);
  });

  test("a repository without a commit ended it with exit code 1; a bare one has worktrees all the same", async () => {
    const story = Object.assign(new Story(), { isReal: true });
    expect(await story.as("me", "conflicts")).toMatchObject({
      code: 3,
      err: expect.stringContaining("git repository"),
    });
    spawnSync("git", ["init", "--quiet"], { cwd: story.cwd });
    fs.writeFileSync(`${story.cwd}/new`, "");
    expect(await story.as("me", "conflicts")).toMatchObject({ code: 0, err: expect.stringContaining("No file") });
    const repository = new Repository();
    spawnSync("git", ["clone", "--quiet", "--bare", "main", "bare"], { cwd: repository.base });
    for (const name of ["one", "two"]) {
      repository.gitIn("bare", {}, "worktree", "add", "--quiet", `../${name}`);
      repository.commit(name, "a.ts", `${name}\n`);
    }
    expect(await repository.at("one").as("me", "conflicts")).toEqual({ code: 4, out: "a.ts: one; two\n", err: "" });
  });
});
