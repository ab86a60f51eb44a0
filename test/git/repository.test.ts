import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { worktreeOf } from "../../src/git/repository.ts";
import { findProject } from "../../src/project/find.ts";
import { tempDir } from "../support/cli.ts";

const env = { PATH: process.env.PATH, HOME: "/nowhere", GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" };

function git(cwd: string, ...args: string[]): string {
  const who = ["-c", "user.name=Ann", "-c", "user.email=ann@localhost", "-c", "protocol.file.allow=always"];
  return execFileSync("git", [...who, ...args], { cwd, env, stdio: "pipe", encoding: "utf8" });
}

const hasGit = spawnSync("git", ["--version"]).status === 0;

function repository(at: string, ...init: string[]): string {
  fs.mkdirSync(at, { recursive: true });
  git(path.dirname(at), "init", "--quiet", ...init, at);
  git(at, "commit", "--quiet", "--allow-empty", "-m", "first");
  return at;
}

/** Each shape that a repository can have: makes it in a folder, and names the folders of it that somebody works in. */
const SHAPES: Readonly<Record<string, (base: string) => string[]>> = {
  "a plain one": (base) => {
    const main = repository(`${base}/main`);
    fs.mkdirSync(`${main}/src/deep`, { recursive: true });
    return [main, `${main}/src/deep`];
  },
  "with worktrees beside and inside": (base) => {
    const main = repository(`${base}/main`);
    git(main, "worktree", "add", "--quiet", "../beside");
    git(main, "worktree", "add", "--quiet", "inside");
    return [main, `${base}/beside`, `${main}/inside`];
  },
  "with a git folder of its own elsewhere": (base) => {
    const main = repository(`${base}/w`, `--separate-git-dir=${base}/g`);
    git(main, "worktree", "add", "--quiet", "../wt");
    return [main, `${base}/wt`];
  },
  "with a hidden git folder of its own elsewhere": (base) => {
    const main = repository(`${base}/w`, `--separate-git-dir=${base}/.store`);
    git(main, "worktree", "add", "--quiet", "../wt");
    return [main, `${base}/wt`];
  },
  "with a link to its git folder": (base) => {
    const main = repository(`${base}/w`);
    fs.renameSync(`${main}/.git`, `${base}/store.git`);
    fs.symlinkSync(`${base}/store.git`, `${main}/.git`);
    git(main, "worktree", "add", "--quiet", "../wt");
    return [main, `${base}/wt`];
  },
  "a bare one with worktrees": (base) => {
    repository(`${base}/first`);
    git(base, "clone", "--quiet", "--bare", `${base}/first`, `${base}/app.git`);
    for (const name of ["one", "two"])
      git(`${base}/app.git`, "worktree", "add", "--quiet", "-b", name, `${base}/${name}`);
    return [`${base}/one`, `${base}/two`];
  },
  "a hidden bare one with worktrees beside it": (base) => {
    repository(`${base}/first`);
    git(base, "clone", "--quiet", "--bare", `${base}/first`, `${base}/app/.bare`);
    for (const name of ["one", "two"])
      git(`${base}/app/.bare`, "worktree", "add", "--quiet", "-b", name, `${base}/app/${name}`);
    return [`${base}/app/one`, `${base}/app/two`];
  },
  "a submodule and a worktree of it, and what it is in": (base) => {
    const main = repository(`${base}/main`);
    git(main, "submodule", "--quiet", "add", repository(`${base}/library`), "sub");
    git(`${main}/sub`, "worktree", "add", "--quiet", `${base}/sub-two`);
    return [main, `${main}/sub`, `${base}/sub-two`, `${base}/library`];
  },
  "a clone inside another, and one beside it": (base) => {
    const main = repository(`${base}/main`);
    return [main, repository(`${main}/vendored`), repository(`${base}/other`)];
  },
  "whose configuration names its worktree, in quotes": (base) => {
    const main = repository(`${base}/w x`, `--separate-git-dir=${base}/g`);
    git(main, "config", "core.worktree", `${base}/w x`);
    git(main, "worktree", "add", "--quiet", "../wt");
    return [main, `${base}/wt`];
  },
  "in a folder called .git that is none of git's": (base) => {
    const main = repository(`${base}/main`);
    fs.mkdirSync(`${main}/src/.git`, { recursive: true });
    return [main, `${main}/src`];
  },
  "after the whole of it was moved": (base) => {
    const main = repository(`${base}/main`);
    git(main, "worktree", "add", "--quiet", "../wt");
    fs.renameSync(main, `${base}/moved`);
    git(`${base}/moved`, "worktree", "repair", `${base}/wt`);
    return [`${base}/moved`, `${base}/wt`];
  },
};

describe.skipIf(!hasGit)("what git calls one repository has one relay, and what it calls two have two", () => {
  test.each(Object.keys(SHAPES))("%s", (shape) => {
    const folders = SHAPES[shape]?.(fs.realpathSync(tempDir())) ?? [];
    const said = folders.map((folder) =>
      fs.realpathSync(path.resolve(folder, git(folder, "rev-parse", "--git-common-dir").trim())),
    );
    const relays = folders.map((cwd) => findProject({ cwd, home: undefined }).dir);
    for (const [index, one] of folders.entries())
      for (const [other, two] of folders.entries())
        expect(relays[index] === relays[other], `${one} and ${two}`).toBe(said[index] === said[other]);
    for (const folder of folders)
      expect(worktreeOf(folder)?.root, folder).toBe(
        fs.realpathSync(git(folder, "rev-parse", "--show-toplevel").trim()),
      );
  });
});

test.skipIf(!hasGit)("a worktree whose repository was moved got a second relay without a word", () => {
  const base = fs.realpathSync(tempDir());
  const main = repository(`${base}/main`);
  git(main, "worktree", "add", "--quiet", "../wt");
  fs.renameSync(main, `${base}/main2`);
  expect(() => findProject({ cwd: `${base}/wt`, home: undefined })).toThrow(
    expect.objectContaining({
      code: "not_found",
      message: `Cannot find the repository of ${base}/wt: ${main}/.git/worktrees/wt is gone`,
      next: expect.stringContaining(`git worktree repair ${base}/wt`),
    }),
  );
});

test.skipIf(!hasGit)("a relay was put beside HEAD in a bare repository in which nobody works", () => {
  const base = fs.realpathSync(tempDir());
  git(base, "init", "--quiet", "--bare", "app.git");
  expect(() => findProject({ cwd: `${base}/app.git`, home: undefined })).toThrow(/is a bare repository/);
});
