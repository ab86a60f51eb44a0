import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { type ClaimTarget, isCovered, targetsMeet } from "../../src/claims/claim.ts";
import { pathTargets } from "../../src/claims/paths.ts";
import { RelayError } from "../../src/errors.ts";
import { tempDir } from "../support/cli.ts";

function git(cwd: string, ...args: string[]): void {
  const who = ["-c", "user.name=Ann", "-c", "user.email=ann@localhost"];
  const env = { PATH: process.env.PATH, HOME: cwd, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" };
  execFileSync("git", [...who, ...args], { cwd, env, stdio: "pipe" });
}

const hasGit = spawnSync("git", ["--version"]).status === 0;

/** A folder with `src/db.ts`, and what it is called. */
function project(at = tempDir()): string {
  fs.mkdirSync(path.join(at, "src"), { recursive: true });
  fs.writeFileSync(path.join(at, "src", "db.ts"), "");
  return at;
}

/** What a path means to one who works in `cwd`, outside git, in words: each path of it. */
function means(typed: string, root: string, cwd = root): (string | undefined)[] {
  return pathTargets(typed, { cwd, project: root }).map((target) => target.path);
}

/** The main worktree of a repository, and another one that lies elsewhere. */
function worktrees(main = project()): { main: string; other: string } {
  const other = path.join(tempDir(), "other");
  git(main, "init", "--quiet");
  git(main, "add", "src");
  git(main, "commit", "--quiet", "-m", "first");
  git(main, "worktree", "add", "--quiet", other);
  return { main, other };
}

function codeOf(call: () => unknown): string {
  try {
    return JSON.stringify(call());
  } catch (error) {
    if (error instanceof RelayError) return error.code;
    throw error;
  }
}

describe("a file has one name", () => {
  test("from every folder, whether it is there yet or not", () => {
    const root = project();
    const src = path.join(root, "src");
    for (const typed of ["src/db.ts", "./src//db.ts", "src/../src/db.ts", `${root}/src/db.ts`])
      expect(means(typed, root)).toEqual(["src/db.ts"]);
    expect(means("db.ts", root, src)).toEqual(["src/db.ts"]);
    expect(means("../src/db.ts", root, src)).toEqual(["src/db.ts"]);
    expect(means("deep/down/new.ts", root, src)).toEqual(["src/deep/down/new.ts"]);
    expect(means("db.ts/below", root, src), "also below what is a file now").toEqual(["src/db.ts/below"]);
  });

  test("and a folder too: it can be written with a slash, and the whole project is a dot", () => {
    const root = project();
    expect(means("src/", root)).toEqual(["src"]);
    expect(means(".", root, path.join(root, "src"))).toEqual(["src"]);
    for (const [typed, cwd] of [
      [".", "."],
      ["..", "src"],
      [root, "src"],
    ] as const)
      expect(means(typed, root, path.join(root, cwd))).toEqual(["."]);
  });

  test("through symbolic links, of a file, of a folder, and to what is not there yet", () => {
    const root = project();
    fs.symlinkSync("src", path.join(root, "link"));
    fs.symlinkSync("src/db.ts", path.join(root, "data.ts"));
    fs.symlinkSync("src/later.ts", path.join(root, "dangling.ts"));
    expect(means("link/db.ts", root)).toEqual(["src/db.ts"]);
    expect(means("link/new/file.ts", root)).toEqual(["src/new/file.ts"]);
    expect(means("data.ts", root)).toEqual(["src/db.ts"]);
    expect(means("link/*.ts", root)).toEqual(["src/*.ts"]);
    expect(means("dangling.ts", root), "what would be written").toEqual(["src/later.ts"]);
  });

  test("also where the project or the working folder is reached through a link", () => {
    const root = project();
    const link = path.join(tempDir(), "link");
    fs.symlinkSync(root, link);
    for (const [typed, cwd] of [
      ["src/db.ts", link],
      ["db.ts", path.join(link, "src")],
      [`${root}/src/db.ts`, root],
    ] as const)
      for (const project of [root, link])
        expect(pathTargets(typed, { cwd, project }), `${typed} from ${cwd}`).toEqual([
          { path: "src/db.ts", leaf: true },
        ]);
  });

  test("outside the project it is absolute", () => {
    const root = project();
    const other = project();
    expect(means(`${other}/src/db.ts`, root)).toEqual([`${other}/src/db.ts`]);
    expect(means(path.relative(root, `${other}/src`), root)).toEqual([`${other}/src`]);
    expect(means(`${other}/src/*.ts`, root)).toEqual([`${other}/src/*.ts`]);
  });

  test("a tilde is a character like any other", () => {
    const root = project();
    expect(means("~/x", root)).toEqual(["~/x"]);
    expect(means("~", root)).toEqual(["~"]);
  });
});

describe("a glob", () => {
  test("is relative to the working folder, with braces as several", () => {
    const root = project();
    const src = path.join(root, "src");
    expect(means("**/*.{ts,js}", root, src)).toEqual(["src/**/*.ts", "src/**/*.js"]);
    expect(means("../docs/*.md", root, src)).toEqual(["docs/*.md"]);
    expect(means("{src,docs}/x", root)).toEqual(["src/x", "docs/x"]);
    expect(means("*", root)).toEqual(["*"]);
  });

  test("that is the name of a file means that alone, where a program names it", () => {
    const root = project();
    fs.mkdirSync(path.join(root, "app"));
    for (const name of ["[id].ts", "a*.ts", "{x,y}.ts", "why?"]) {
      fs.writeFileSync(path.join(root, "app", name), "");
      const [target, ...more] = pathTargets(`app/${name}`, { cwd: root, project: root, exact: true });
      expect(more).toEqual([]);
      const meets = (other: ClaimTarget) => target !== undefined && targetsMeet(target, other);
      expect(meets({ path: "app/*" })).toBe(true);
      for (const other of ["app/i.ts", "app/ab.ts", "app/x.ts", "app/whyn"]) expect(meets({ path: other })).toBe(false);
    }
  });

  test("below a folder whose own name has wildcard characters in it covers what is in that folder", () => {
    const root = project();
    fs.mkdirSync(path.join(root, "app", "[id]"), { recursive: true });
    fs.writeFileSync(path.join(root, "app", "[id]", "page.tsx"), "");
    const [file] = pathTargets("app/[id]/page.tsx", { cwd: root, project: root });
    for (const typed of ["app/[id]/**", "app/[id]/new.tsx", "app/[id]/{page,layout}.tsx"]) {
      const targets = pathTargets(typed, { cwd: root, project: root });
      const folder = { path: "app/[[]id]" };
      expect(
        targets.every((target) => targetsMeet(target, folder)),
        typed,
      ).toBe(true);
      if (file && !typed.includes("new"))
        expect(
          targets.some((target) => targetsMeet(target, file)),
          typed,
        ).toBe(true);
    }
  });

  test("may not go up after a wildcard, nor stand for more than 100 patterns", () => {
    const root = project();
    expect(codeOf(() => means("src/*/../x", root))).toBe("usage");
    expect(codeOf(() => means("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", root))).toBe("usage");
  });

  test("with braces may be longer than a file name may be", () => {
    const names = Array.from({ length: 40 }, (_, index) => `component-${index}`);
    expect(means(`src/{${names.join(",")}}.ts`, project())).toEqual(names.map((name) => `src/${name}.ts`));
  });
});

describe("what cannot be claimed is a usage error", () => {
  test("nothing, a NUL, 5,000 bytes, and what lies above the project", () => {
    const root = project();
    for (const typed of ["", "a\0b", "x".repeat(5000), "ä/".repeat(2000), "..", "/", path.dirname(root)])
      expect(
        codeOf(() => means(typed, root)),
        typed.slice(0, 20),
      ).toBe("usage");
  });

  test("a pattern from outside that covers the project, since it would keep nobody out", () => {
    const root = project();
    for (const typed of ["../*", "/**", "/**/db.ts", `${path.dirname(root)}/*/src`])
      expect(
        codeOf(() => means(typed, root)),
        typed,
      ).toBe("usage");
    expect(means("../*.md", root), "its neighbours can be").toEqual([`${path.dirname(root)}/*.md`]);
  });

  test("links that go round in a circle, also on the way", () => {
    const root = project();
    fs.symlinkSync("two", path.join(root, "one"));
    fs.symlinkSync("one", path.join(root, "two"));
    for (const typed of ["one", "one/x.ts", "one/*.ts"])
      expect(
        codeOf(() => means(typed, root)),
        typed,
      ).toBe("usage");
  });

  test("but a name that is too long for this disk is only a file that is not there", () => {
    expect(means("x".repeat(300), project())).toEqual(["x".repeat(300)]);
  });
});

describe.skipIf(!hasGit)("in a git repository with several worktrees", () => {
  test("the same file in both is the same target, from wherever it is named", () => {
    const { main, other } = worktrees();
    const link = path.join(tempDir(), "link");
    fs.symlinkSync(path.join(other, "src"), link);
    const names: [string, string][] = [
      ["src/db.ts", main],
      ["src/db.ts", other],
      ["db.ts", path.join(other, "src")],
      [path.join(other, "src/db.ts"), main],
      [path.join(main, "src/db.ts"), other],
      ["db.ts", link],
    ];
    for (const [typed, cwd] of names)
      expect(pathTargets(typed, { cwd, project: main }), `${typed} from ${cwd}`).toEqual([
        { path: "src/db.ts", leaf: true },
      ]);
    expect(pathTargets(".", { cwd: other, project: main })).toEqual([{ path: "." }]);
    expect(pathTargets("src/new/*.ts", { cwd: other, project: main })).toEqual([{ path: "src/new/*.ts", leaf: true }]);
  });

  test("--apart makes it two, of which each is still part of the path in all worktrees", () => {
    const { main, other } = worktrees();
    const [here] = pathTargets("src/db.ts", { cwd: main, project: main, thisWorktreeOnly: true });
    const [there] = pathTargets("src/db.ts", { cwd: other, project: main, thisWorktreeOnly: true });
    const [both] = pathTargets("src", { cwd: other, project: main });
    expect([here, there]).toEqual([main, other].map((worktree) => ({ path: "src/db.ts", leaf: true, worktree })));
    expect(here && there && targetsMeet(here, there)).toBe(false);
    expect([here, there].map((target) => target && both && targetsMeet(target, both))).toEqual([true, true]);
  });

  test("a relay in a subfolder gives files the same names as one at the root", () => {
    const { main } = worktrees();
    expect(pathTargets("db.ts", { cwd: `${main}/src`, project: `${main}/src` })).toEqual([
      { path: "src/db.ts", leaf: true },
    ]);
  });
});

describe.skipIf(!hasGit)("with one relay for several repositories", () => {
  function repository(): string {
    const root = project();
    git(root, "init", "--quiet");
    return root;
  }

  test("files of the same name in two of them are two, and each has one name from wherever it is named", () => {
    const [one, two] = [repository(), repository()];
    const from = (typed: string, cwd: string) => pathTargets(typed, { cwd, project: one })[0] ?? {};
    expect(targetsMeet(from("src/db.ts", one), from("src/db.ts", two))).toBe(false);
    expect(from("src/db.ts", two)).toEqual(from(`${two}/src/db.ts`, one));
    expect(from(`${one}/src/db.ts`, two)).toEqual({ path: "src/db.ts", leaf: true });
  });

  test("a file of one of them has one name in all worktrees of that one, also where the relay lies in no repository", () => {
    const around = tempDir();
    const { main, other } = worktrees(project(path.join(around, "app")));
    for (const [typed, cwd] of [
      ["src/db.ts", main],
      ["src/db.ts", other],
      [`${other}/src/db.ts`, around],
    ] as const) {
      expect(pathTargets(typed, { cwd, project: around })).toEqual([{ path: "app/src/db.ts", leaf: true }]);
      expect(pathTargets(typed, { cwd, project: tempDir() })).toEqual([{ path: `${main}/src/db.ts`, leaf: true }]);
    }
  });

  test("a repository inside another is covered by a claim on the folder it lies in", () => {
    const outer = repository();
    const inner = project(path.join(outer, "vendor", "lib"));
    git(inner, "init", "--quiet");
    const from = (typed: string, cwd: string) => pathTargets(typed, { cwd, project: outer })[0] ?? {};
    expect(from("src/db.ts", inner)).toEqual({ path: "vendor/lib/src/db.ts", leaf: true });
    expect(targetsMeet(from("src/db.ts", inner), from("vendor", outer))).toBe(true);
  });
});

describe("one spelling has one meaning, whatever lies on the disk", () => {
  const SPELLINGS = [
    ...[
      "pages/u-[g].vue",
      "[id=int]",
      "[a]-[b]",
      "[[lang=x]]",
      "app/[id].ts",
      "app/[...all]/page.tsx",
      "log[0-9].txt",
      "x[ab].ts",
    ],
    ...[
      "src/MyApp.Core",
      "src/MyApp.Core/",
      "v1.2",
      "packages/chart.js",
      "Makefile",
      "a*.ts",
      "why?",
      "{x,y}.ts",
      "link/db.ts",
    ],
  ];

  test.each(SPELLINGS)("two had %s: one from before it was there, one from after", (typed) => {
    const root = project();
    const meant = (more = {}) => pathTargets(typed, { cwd: root, project: root, ...more });
    const before = meant();
    const states = [
      () => put(root, typed, "file"),
      () => put(root, typed, "folder"),
      () => put(root, typed, "nothing"),
      () => put(root, "link", "nothing"),
      () => fs.symlinkSync("src", path.join(root, "link")),
    ];
    for (const state of states) {
      state();
      const after = meant();
      for (const one of before) expect(after.some((other) => targetsMeet(one, other))).toBe(true);
      if (typed !== "link/db.ts") expect(after).toEqual(before);
      const [named] = meant({ exact: true });
      if (named && !typed.startsWith("{"))
        expect(
          before.some((one) => targetsMeet(one, named)),
          "the file so named",
        ).toBe(true);
    }
    fs.mkdirSync(path.join(root, "deep"));
    const below = pathTargets(`../${typed}`, { cwd: path.join(root, "deep"), project: root });
    for (const one of before)
      expect(
        below.some((other) => targetsMeet(one, other)),
        "from a subfolder",
      ).toBe(true);
  });

  test.each(["src/MyApp.Core", "src/MyApp.Core/", "packages/chart.js", "src/db.ts", "Makefile", "app/[id].ts"])(
    "%s was claimed before it was a folder, and another claimed a file below it",
    (typed) => {
      const root = project();
      const [folder] = pathTargets(typed, { cwd: root, project: root });
      const [file] = pathTargets(`${typed}/Foo.cs`, { cwd: root, project: root });
      expect(folder && file && targetsMeet(folder, file)).toBe(true);
      expect(folder && file && isCovered(file, folder)).toBe(true);
    },
  );
});

/** Makes what is spelled so a file, a folder, or nothing. */
function put(root: string, typed: string, what: "file" | "folder" | "nothing"): void {
  const file = path.resolve(root, typed);
  fs.rmSync(file, { recursive: true, force: true });
  if (what === "folder") fs.mkdirSync(file, { recursive: true });
  if (what !== "file") return;
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, "");
}

describe("what a path covers", () => {
  const meets = (root: string, one: string, other: string) => {
    const [a, b] = [one, other].map((typed) => pathTargets(typed, { cwd: root, project: root }));
    return (a ?? []).some((x) => (b ?? []).some((y) => targetsMeet(x, y)));
  };

  test("nothing lies below a file, nor below what is named like one", () => {
    const root = project();
    fs.mkdirSync(`${root}/v1.2`);
    fs.writeFileSync(`${root}/README.md`, "");
    fs.writeFileSync(`${root}/Makefile`, "");
    expect(meets(root, "**/*.ts", "README.md")).toBe(false);
    expect(meets(root, "**/*.ts", "Makefile")).toBe(false);
    expect(meets(root, "src/**/*.ts", "src/new.js")).toBe(false);
    expect(meets(root, "**/*.ts", "src/db.ts")).toBe(true);
    expect(meets(root, "**/*.ts", "src")).toBe(true);
    expect(meets(root, "**/*.ts", "v1.2")).toBe(true);
    expect(meets(root, "**/*.ts", "notes")).toBe(true);
    expect(meets(root, "**", "README.md")).toBe(true);
  });

  test("a route in brackets is a name, not a set, whether it is there yet or not", () => {
    const root = project();
    expect(meets(root, "app/[id].ts", "app/i.ts")).toBe(false);
    expect(meets(root, "app/[id]/**", "app/i/page.ts")).toBe(false);
    expect(meets(root, "app/[id]/**", "app/[id]/page.ts")).toBe(true);
    expect(meets(root, "app/**/[...all].ts", "app/x/[...all].ts")).toBe(true);
    const before = pathTargets("app/[id].ts", { cwd: root, project: root });
    fs.mkdirSync(`${root}/app`);
    fs.writeFileSync(`${root}/app/[id].ts`, "");
    expect(pathTargets("app/[id].ts", { cwd: root, project: root })).toEqual(before);
    expect(meets(root, "x[ab].ts", "xa.ts")).toBe(true);
  });
});

test("what another machine claims was outside of a project that is reached through a link", () => {
  const root = project();
  const link = `${tempDir()}/link`;
  fs.symlinkSync(root, link);
  expect(pathTargets("src/db.ts", { cwd: link, project: link, unseen: true })).toEqual([
    { path: "src/db.ts", leaf: true },
  ]);
});
