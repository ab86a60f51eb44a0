import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { type FindOptions, findProject } from "../../src/project/find.ts";

const isRoot = process.getuid?.() === 0;

/** A folder of its own for one test, by its real path. */
function folder(...names: string[]): string {
  const base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "relay-project-")));
  onTestFinished(() => fs.rmSync(base, { recursive: true, force: true }));
  fs.mkdirSync(path.join(base, ...names), { recursive: true });
  return path.join(base, ...names);
}

function make(...parts: string[]): string {
  const made = path.join(...parts);
  fs.mkdirSync(made, { recursive: true });
  return made;
}

function git(cwd: string, ...args: string[]): void {
  const who = ["-c", "user.name=Ann", "-c", "user.email=ann@localhost", "-c", "protocol.file.allow=always"];
  const env = { PATH: process.env.PATH, HOME: cwd, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" };
  execFileSync("git", [...who, ...args], { cwd, env, stdio: "pipe" });
}

function hasGit(): boolean {
  try {
    execFileSync("git", ["--version"], { stdio: "pipe" });
    return true;
  } catch {
    return false;
  }
}

function repository(at: string): string {
  make(at);
  git(at, "init", "--quiet");
  git(at, "commit", "--quiet", "--allow-empty", "-m", "first");
  return at;
}

function dirFrom(cwd: string, given: Partial<FindOptions> = {}): string {
  return findProject({ cwd, home: undefined, ...given }).dir;
}

describe("told", () => {
  test("--dir wins over AGENT_RELAY_DIR, which wins over what is found; both are read from the working folder", () => {
    const here = make(folder("home", "project"));
    make(here, ".relay");
    expect(dirFrom(here, { dir: "../one", envDir: "/two" })).toBe(path.join(here, "..", "one"));
    expect(dirFrom(here, { envDir: "two" })).toBe(path.join(here, "two"));
    expect(dirFrom(here, { envDir: "" })).toBe(path.join(here, ".relay"));
  });

  test("it says whether the relay is there, and why it is this one", () => {
    const here = folder();
    expect(findProject({ cwd: here, home: undefined, dir: "r" })).toMatchObject({
      exists: false,
      because: "--dir says so",
    });
    make(here, "r");
    expect(findProject({ cwd: here, home: undefined, envDir: "r" })).toMatchObject({
      exists: true,
      because: "AGENT_RELAY_DIR says so",
    });
  });

  test("looking makes nothing", () => {
    const here = folder();
    findProject({ cwd: here, home: here });
    expect(fs.readdirSync(here)).toEqual([]);
  });
});

describe.skipIf(!hasGit())("in a git repository", () => {
  test("every folder of it shares one relay, at its root", () => {
    const root = repository(folder("project"));
    const deep = make(root, "src", "deep");
    expect([dirFrom(root), dirFrom(deep)]).toEqual([`${root}/.relay`, `${root}/.relay`]);
    make(root, ".relay");
    expect(dirFrom(deep)).toBe(`${root}/.relay`);
  });

  test("a relay below the root, on the way up, comes first", () => {
    const root = repository(folder("project"));
    make(root, ".relay");
    const part = make(root, "packages", "one");
    make(part, ".relay");
    expect(dirFrom(make(part, "src"))).toBe(`${part}/.relay`);
    expect(dirFrom(make(root, "packages", "two"))).toBe(`${root}/.relay`);
  });

  test("a relay above the repository is not taken", () => {
    const above = folder();
    make(above, ".relay");
    const root = repository(path.join(above, "project"));
    expect(dirFrom(root)).toBe(`${root}/.relay`);
  });

  test("worktrees share the main worktree's, wherever they are and from any folder in them", () => {
    const base = folder();
    const main = repository(path.join(base, "main"));
    git(main, "worktree", "add", "--quiet", "../beside");
    git(main, "worktree", "add", "--quiet", path.join(main, "inside"));
    for (const worktree of [path.join(base, "beside"), path.join(main, "inside")]) {
      expect(dirFrom(worktree)).toBe(`${main}/.relay`);
      expect(dirFrom(make(worktree, "src"))).toBe(`${main}/.relay`);
    }
    expect(findProject({ cwd: path.join(base, "beside"), home: undefined }).because).toContain("main worktree");
  });

  test("a relay made in a worktree on purpose is that worktree's", () => {
    const base = folder();
    const main = repository(path.join(base, "main"));
    git(main, "worktree", "add", "--quiet", "../own");
    make(base, "own", ".relay");
    expect(dirFrom(path.join(base, "own"))).toBe(`${base}/own/.relay`);
    expect(dirFrom(main)).toBe(`${main}/.relay`);
  });

  test("a submodule is a project of its own", () => {
    const base = folder();
    const library = repository(path.join(base, "library"));
    const main = repository(path.join(base, "main"));
    git(main, "submodule", "--quiet", "add", library, "sub");
    expect(dirFrom(path.join(main, "sub"))).toBe(`${main}/sub/.relay`);
    expect(dirFrom(main)).toBe(`${main}/.relay`);
  });

  test("a worktree of a submodule shares the submodule's, and nothing is put below .git", () => {
    const base = folder();
    const library = repository(path.join(base, "library"));
    const main = repository(path.join(base, "main"));
    git(main, "submodule", "--quiet", "add", library, "sub");
    git(path.join(main, "sub"), "worktree", "add", "--quiet", path.join(base, "sub-two"));
    expect(dirFrom(path.join(base, "sub-two"))).toBe(`${main}/sub/.relay`);
  });

  test("the worktrees of a bare repository in a hidden folder share one beside it", () => {
    const base = folder();
    const first = repository(path.join(base, "first"));
    git(base, "clone", "--quiet", "--bare", first, path.join(base, "project", ".bare"));
    const bare = path.join(base, "project", ".bare");
    git(bare, "worktree", "add", "--quiet", "-b", "one", path.join(base, "project", "one"));
    git(bare, "worktree", "add", "--quiet", "-b", "two", path.join(base, "project", "two"));
    expect(dirFrom(path.join(base, "project", "one"))).toBe(dirFrom(path.join(base, "project", "two")));
  });

  test("two bare repositories in one folder do not share a relay, though their own worktrees do", () => {
    const base = folder();
    const first = repository(path.join(base, "first"));
    const worktrees = ["a", "b"].flatMap((name) => {
      const bare = path.join(base, `${name}.git`);
      git(base, "clone", "--quiet", "--bare", first, bare);
      return ["one", "two"].map((branch) => {
        const at = path.join(base, "work", `${name}-${branch}`);
        git(bare, "worktree", "add", "--quiet", "-b", branch, at);
        return at;
      });
    });
    const [a1 = "", a2 = "", b1 = "", b2 = ""] = worktrees.map((at) => dirFrom(at));
    expect([a1, b1]).toEqual([a2, b2]);
    expect(a1).not.toBe(b1);
  });

  test("a folder reached through a link belongs to where it really is", () => {
    const base = folder();
    const main = repository(path.join(base, "main"));
    fs.symlinkSync(make(main, "src"), path.join(base, "link"));
    expect(dirFrom(path.join(base, "link"))).toBe(`${main}/.relay`);
  });
});

describe("a .git that git did not write", () => {
  test.each(["gitdir: \n", "nonsense", "", "gitdir: ../../../../..\n", "\0\0\0"])(
    "a .git file that says %j makes its folder a root",
    (text) => {
      const root = folder("project");
      fs.writeFileSync(path.join(root, ".git"), text);
      expect(dirFrom(make(root, "src"))).toBe(`${root}/.relay`);
    },
  );

  test("one that names a folder that is gone makes no root: its repository may have been moved", () => {
    const root = folder("project");
    fs.writeFileSync(path.join(root, ".git"), "gitdir: /nowhere/at/all\n");
    expect(() => dirFrom(make(root, "src"))).toThrow("/nowhere/at/all is gone");
    expect(dirFrom(root, { dir: ".relay" })).toBe(`${root}/.relay`);
    make(root, ".relay");
    expect(dirFrom(path.join(root, "src"))).toBe(`${root}/.relay`);
  });

  test("a worktree written by hand leads to the main one", () => {
    const base = folder();
    make(base, "main", ".git", "worktrees", "two");
    for (const name of ["objects", "refs"]) make(base, "main", ".git", name);
    fs.writeFileSync(path.join(base, "main", ".git", "HEAD"), "ref: refs/heads/main\n");
    fs.writeFileSync(path.join(base, "main", ".git", "worktrees", "two", "commondir"), "../..\n");
    fs.writeFileSync(path.join(make(base, "two"), ".git"), `gitdir: ${base}/main/.git/worktrees/two\n`);
    expect(dirFrom(path.join(base, "two"))).toBe(`${base}/main/.relay`);
  });

  test("a worktree whose main one is gone is not taken for its own root", () => {
    const base = folder();
    const gitDir = make(base, "store", "two");
    fs.writeFileSync(path.join(gitDir, "commondir"), "/nowhere/at/all/.git\n");
    fs.writeFileSync(path.join(make(base, "two"), ".git"), `gitdir: ${gitDir}\n`);
    expect(() => dirFrom(path.join(base, "two"))).toThrow("/nowhere/at/all/.git is gone");
  });
});

describe("outside a git repository", () => {
  test("the nearest relay upward is taken, else it is the working folder", () => {
    const home = folder();
    const deep = make(home, "a", "b", "c");
    expect(dirFrom(deep, { home })).toBe(`${deep}/.relay`);
    make(home, "a", ".relay");
    expect(dirFrom(deep, { home })).toBe(`${home}/a/.relay`);
    make(home, "a", "b", ".relay");
    expect(dirFrom(deep, { home })).toBe(`${home}/a/b/.relay`);
  });

  test("the home folder's own counts, one above it does not", () => {
    const above = folder();
    const home = make(above, "home");
    const here = make(home, "a");
    make(above, ".relay");
    expect(dirFrom(here, { home })).toBe(`${here}/.relay`);
    make(home, ".relay");
    expect(dirFrom(here, { home })).toBe(`${home}/.relay`);
  });

  test.skipIf(!isRoot)("one of another user upward is passed over, and one in the working folder is not hidden", () => {
    const home = folder();
    const here = make(home, "a", "b");
    fs.chownSync(make(home, "a", ".relay"), 12345, 12345);
    expect(dirFrom(here, { home })).toBe(`${here}/.relay`);
    make(home, ".relay");
    expect(dirFrom(here, { home })).toBe(`${home}/.relay`);
    fs.chownSync(make(here, ".relay"), 12345, 12345);
    expect(dirFrom(here, { home })).toBe(`${here}/.relay`);
  });

  test("a file or a link upward is passed over", () => {
    const home = folder();
    const here = make(home, "a", "b");
    fs.writeFileSync(path.join(home, "a", ".relay"), "");
    make(home, "real");
    fs.symlinkSync(path.join(home, "real"), path.join(home, ".relay"));
    expect(dirFrom(here, { home })).toBe(`${here}/.relay`);
  });

  test("a working folder that is gone has no project, unless one is named", () => {
    const gone = path.join(folder(), "gone");
    expect(() => dirFrom(gone)).toThrow(`your working folder, ${gone}, is gone`);
    expect(dirFrom(gone, { dir: "/elsewhere/.relay" })).toBe("/elsewhere/.relay");
  });

  test.skipIf(!isRoot)("a relay on another disk upward is not taken", (context) => {
    const home = folder();
    make(home, ".relay");
    const here = make(home, "disk");
    try {
      execFileSync("mount", ["-t", "tmpfs", "tmpfs", here], { stdio: "pipe" });
    } catch {
      return context.skip("nothing can be mounted here");
    }
    onTestFinished(() => void execFileSync("umount", [here]));
    expect(dirFrom(make(here, "a"), { home })).toBe(`${here}/a/.relay`);
  });
});
