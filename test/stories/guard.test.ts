import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { isOverHttp, Story } from "../support/cli.ts";
import { hasGit, Repository } from "../support/git-repository.ts";
import { ROOT } from "../support/paths.ts";

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
    expect((await story.as("me", "guard", "remove")).out).toBe(
      `Removed ${file}\nRemoved ${story.cwd}/.git/hooks/pre-merge-commit\n`,
    );
    expect([fs.readFileSync(file, "utf8"), fs.statSync(file).mode]).toEqual(before);
    const left = fs.readdirSync(`${story.cwd}/.git`, { recursive: true, encoding: "utf8" });
    expect(left.filter((name) => name.includes("agent-relay"))).toEqual([]);
    expect((await story.as("me", "guard", "remove")).out).toBe("There was no hook of ours\n");
  });

  test("stands where a hook manager has told git to look, and before a push if that was asked for", async () => {
    const repository = new Repository();
    const { story } = repository;
    repository.git("config", "core.hooksPath", ".hooks");
    await story.as("me", "guard", "install", "--push");
    expect(fs.readdirSync(`${story.cwd}/.hooks`).sort()).toEqual(["pre-commit", "pre-merge-commit", "pre-push"]);
    addRemote(repository, "origin");
    repository.change("b.ts");
    repository.git("commit", "--quiet", "-m", "b");
    await story.as("bob", "claim", "b.ts");
    expect(repository.git("push", "--quiet", "origin", "HEAD").status).toBe(1);
    await story.as("bob", "release", "b.ts");
    expect(repository.git("push", "--quiet", "origin", "HEAD").status).toBe(0);
  });

  test("a commit that only a merge makes passed, with the claimed file in it", async () => {
    const repository = new Repository();
    const { story } = repository;
    repository.git("worktree", "add", "--quiet", "../feat");
    repository.commit("feat", "a.ts", "feat\n");
    repository.commit("main", "b.ts", "main\n");
    await story.as("me", "guard", "install");
    await bobClaims(story);
    const { status, stderr } = repository.git("merge", "--quiet", "--no-edit", "feat");
    expect(status).toBe(1);
    expect(stderr).toMatch(/^agent-relay: a\.ts is claimed by bob .*\nTry: .* git merge --abort;/);
    expect(repository.git("merge", "--abort").status).toBe(0);
    await story.as("bob", "release", "a.ts");
    expect(repository.git("merge", "--quiet", "--no-edit", "feat").status).toBe(0);
  });

  test("a program's path with spaces and quotes in it made every commit fail", async () => {
    const repository = new Repository();
    const { story, base } = repository;
    const tools = `${base}/it's "here" $HOME/my tools`;
    fs.cpSync(`${ROOT}/dist`, `${tools}/dist`, { recursive: true });
    fs.cpSync(`${ROOT}/bin`, `${tools}/bin`, { recursive: true });
    const installed = spawnSync("node", [`${tools}/bin/agent-relay.cjs`, "guard", "install"], { cwd: story.cwd });
    expect(installed.status).toBe(0);
    repository.change("a.ts");
    expect(repository.git("commit", "--quiet", "-m", "free")).toEqual({ status: 0, stderr: "" });
    await bobClaims(story);
    repository.change("a.ts");
    expect(repository.git("commit", "--quiet", "-m", "claimed").stderr).toContain("a.ts is claimed by bob");
  });
});

describe.skipIf(!hasGit)("the git guard before a push", () => {
  /** A repository with the guard, all of whose first commit is at its remote, and with a claim on a.ts. */
  async function guarded(): Promise<Repository> {
    const repository = new Repository();
    addRemote(repository, "origin");
    repository.git("push", "--quiet", "origin", "HEAD:trunk");
    await repository.story.as("me", "guard", "install", "--push");
    await bobClaims(repository.story);
    return repository;
  }

  test("looked at what is checked out, not at what is pushed", async () => {
    const repository = await guarded();
    repository.git("worktree", "add", "--quiet", "../feat");
    repository.commit("feat", "a.ts", "feat\n");
    const refused = { status: 1, stderr: expect.stringContaining("a.ts is claimed by bob") };
    expect(repository.git("push", "--quiet", "origin", "feat"), "another branch than this").toMatchObject(refused);
    repository.commit("main", "b.ts", "main\n");
    expect(repository.git("push", "--quiet", "origin", "HEAD", "feat"), "one of several").toMatchObject(refused);
    expect(repository.git("push", "--quiet", "origin", "HEAD:trunk"), "only what is free").toMatchObject({ status: 0 });
    expect(
      repository.gitIn("feat", {}, "push", "--quiet", "origin", "HEAD~1:refs/heads/old"),
      "an older one",
    ).toMatchObject({
      status: 0,
    });
    repository.gitIn("feat", {}, "tag", "-a", "-m", "one", "v1");
    expect(repository.git("push", "--quiet", "origin", "v1"), "a tag").toMatchObject(refused);
    expect(repository.git("push", "--quiet", "origin", ":old"), "a deletion").toMatchObject({ status: 0 });
    expect(repository.git("push", "--quiet", `${repository.base}/origin`, "feat"), "to a URL").toMatchObject(refused);
  });

  test("what the remote has already is nobody's to refuse, in a new branch and after others have pushed", async () => {
    const repository = await guarded();
    repository.commit("main", "a.ts", "before the claim\n");
    repository.git("push", "--quiet", "--no-verify", "origin", "HEAD:trunk");
    repository.commit("main", "b.ts", "main\n");
    expect(repository.git("push", "--quiet", "origin", "HEAD:refs/heads/fresh")).toMatchObject({ status: 0 });
    spawnSync("git", ["clone", "--quiet", "--branch", "trunk", "origin", "elsewhere"], { cwd: repository.base });
    repository.commit("elsewhere", "c.ts", "elsewhere\n");
    repository.gitIn("elsewhere", {}, "push", "--quiet", "origin", "trunk");
    expect(repository.git("push", "--quiet", "--force", "origin", "HEAD:trunk")).toMatchObject({ status: 0 });
  });

  test("tells the hook that was there first, word for word, what git told it", async () => {
    const repository = await guarded();
    const { story } = repository;
    await story.as("me", "guard", "remove");
    const hook = `${story.cwd}/.git/hooks/pre-push`;
    fs.writeFileSync(hook, '#!/bin/sh\ncat >"told by $1"\nexit "$(cat verdict)"\n', { mode: 0o755 });
    const told = () => fs.readFileSync(`${story.cwd}/told by origin`, "utf8");
    repository.commit("main", "b.ts", "main\n");
    fs.writeFileSync(`${story.cwd}/verdict`, "3");
    expect(repository.git("push", "--quiet", "origin", "HEAD:one", "HEAD:two").status).toBe(1);
    const before = told();
    expect(before.split("\n")).toHaveLength(3);
    await story.as("me", "guard", "install", "--push");
    expect(repository.git("push", "--quiet", "origin", "HEAD:one", "HEAD:two").status, "its no is a no").toBe(1);
    expect(told()).toBe(before);
    fs.writeFileSync(`${story.cwd}/verdict`, "0");
    repository.commit("main", "a.ts", "main\n");
    expect(repository.git("push", "--quiet", "origin", "HEAD").stderr).toContain("a.ts is claimed by bob");
    fs.writeFileSync(hook.replace("hooks", "hooks.agent-relay-before"), "#!/bin/sh\nexit 0\n");
    await story.as("bob", "release", "a.ts");
    expect(repository.git("push", "--quiet", "origin", "HEAD"), "one that does not listen").toMatchObject({
      status: 0,
    });
  });
});

describe.skipIf(!hasGit)("the git guard and hook managers", () => {
  /** As husky does: one runner for all hooks, which finds the project's script by the name and folder it was called by. */
  function manage(repository: Repository): void {
    const folder = `${repository.story.cwd}/.husky/_`;
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(
      `${folder}/runner`,
      'name=$(basename "$0")\nproject=$(dirname "$(dirname "$0")")/$name\n[ -f "$project" ] || exit 0\nsh -e "$project" "$@"\n',
    );
    for (const hook of ["pre-commit", "pre-merge-commit", "pre-push", "commit-msg"])
      fs.writeFileSync(`${folder}/${hook}`, '#!/usr/bin/env sh\n. "$(dirname "$0")/runner"', { mode: 0o755 });
    repository.git("config", "core.hooksPath", ".husky/_");
  }

  test("a runner that goes by the name of the hook ran nothing any more", async () => {
    const repository = new Repository();
    const { story } = repository;
    manage(repository);
    fs.writeFileSync(`${story.cwd}/.husky/pre-commit`, "echo LINT >&2\nexit 1\n");
    const before = contents(`${story.cwd}/.husky`);
    await story.as("me", "guard", "install", "--push");
    repository.change("b.ts");
    expect(repository.git("commit", "--quiet", "-m", "b")).toEqual({ status: 1, stderr: "LINT\n" });
    await bobClaims(story);
    fs.writeFileSync(`${story.cwd}/.husky/pre-commit`, "echo LINT >&2\n");
    expect(repository.git("commit", "--quiet", "-m", "b")).toEqual({ status: 0, stderr: "LINT\n" });
    repository.change("a.ts");
    expect(repository.git("commit", "--quiet", "-m", "a").stderr).toMatch(
      /^LINT\nagent-relay: a\.ts is claimed by bob/,
    );
    const { stdout } = spawnSync("git", ["status", "--porcelain", "-uall"], { cwd: story.cwd, encoding: "utf8" });
    expect(stdout, "what was set aside is no part of the project").not.toContain("agent-relay");
    manage(repository); // as after npm install
    expect(repository.git("commit", "--quiet", "--dry-run").status).toBe(0);
    for (const _ of ["first", "again"]) expect((await story.as("me", "guard", "install", "--push")).code).toBe(0);
    expect(repository.git("commit", "--quiet", "-m", "a").stderr).toMatch(
      /^LINT\nagent-relay: a\.ts is claimed by bob/,
    );
    fs.writeFileSync(`${story.cwd}/.husky/pre-commit`, "echo LINT >&2\nexit 1\n");
    await story.as("me", "guard", "remove");
    expect(contents(`${story.cwd}/.husky`)).toEqual(before);
  });

  test("removed after a manager has written its own anew, it leaves those and nothing else", async () => {
    const repository = new Repository();
    manage(repository);
    const before = contents(`${repository.story.cwd}/.husky`);
    await repository.story.as("me", "guard", "install");
    repository.change("b.ts");
    repository.git("commit", "--quiet", "-m", "b"); // makes the links
    manage(repository);
    await repository.story.as("me", "guard", "remove");
    expect(contents(`${repository.story.cwd}/.husky`)).toEqual(before);
  });

  test("a hook in another language finds its name and its neighbours, also those that came later", async () => {
    const repository = new Repository();
    const { story } = repository;
    const hooks = `${story.cwd}/.git/hooks`;
    fs.mkdirSync(hooks, { recursive: true });
    fs.writeFileSync(
      `${hooks}/pre-commit`,
      '#!/usr/bin/env node\nconst path = require("path");\nconsole.error(path.basename(__filename), require(path.join(__dirname, "later.js")), require("../up.js"));\n',
      { mode: 0o755 },
    );
    await story.as("me", "guard", "install");
    fs.writeFileSync(`${hooks}/later.js`, 'module.exports = "beside";');
    fs.writeFileSync(`${story.cwd}/.git/up.js`, 'module.exports = "above";');
    repository.change("b.ts");
    expect(repository.git("commit", "--quiet", "-m", "b")).toEqual({ status: 0, stderr: "pre-commit beside above\n" });
  });

  test.each(["legacy", "old"])(
    "installed again over a manager that had renamed ours to pre-commit.%s, each runs once",
    async (ending) => {
      const repository = new Repository();
      const { story } = repository;
      const hooks = `${story.cwd}/.git/hooks`;
      fs.mkdirSync(hooks, { recursive: true });
      const write = (text: string) => fs.writeFileSync(`${hooks}/pre-commit`, text, { mode: 0o755 });
      write("#!/bin/sh\necho OWN >&2\n");
      await story.as("me", "guard", "install");
      fs.renameSync(`${hooks}/pre-commit`, `${hooks}/pre-commit.${ending}`);
      write(`#!/bin/sh\necho MANAGER >&2\n[ ! -x "$0.legacy" ] || "$0.legacy" "$@"\n`);
      const own = ending === "legacy" ? "OWN\n" : "";
      await bobClaims(story);
      repository.change("b.ts");
      expect(repository.git("commit", "--quiet", "-m", "b")).toEqual({ status: 0, stderr: `MANAGER\n${own}` });
      await story.as("me", "guard", "install");
      repository.change("a.ts");
      expect(repository.git("commit", "--quiet", "-m", "a").stderr).toMatch(
        new RegExp(`^MANAGER\n${own}agent-relay: a\\.ts is claimed by bob .*\nTry: .*\n$`),
      );
      await story.as("me", "guard", "remove");
      expect(fs.readFileSync(`${hooks}/pre-commit`, "utf8")).toContain("MANAGER");
      expect(fs.readFileSync(`${hooks}/pre-commit.${ending}`, "utf8")).toContain("OWN");
    },
  );

  test("a copy of our hook that lies beside it takes nothing of what was set aside", async () => {
    const repository = new Repository();
    const { story } = repository;
    const hook = `${story.cwd}/.git/hooks/pre-commit`;
    fs.mkdirSync(path.dirname(hook), { recursive: true });
    fs.writeFileSync(hook, "#!/bin/sh\necho OWN >&2\n", { mode: 0o755 });
    const before = contents(path.dirname(hook));
    await story.as("me", "guard", "install");
    fs.copyFileSync(hook, `${hook}.backup`);
    await story.as("me", "guard", "install");
    repository.change("b.ts");
    expect(repository.git("commit", "--quiet", "-m", "b")).toEqual({ status: 0, stderr: "OWN\n" });
    await story.as("me", "guard", "remove");
    expect(contents(path.dirname(hook))).toEqual(before);
  });

  test("hooks that are links, in a folder that is one, find what they found before", async () => {
    const repository = new Repository();
    const { story } = repository;
    const { cwd } = story;
    fs.mkdirSync(`${cwd}/tools/hooks`, { recursive: true });
    fs.writeFileSync(`${cwd}/tools/lint`, '#!/bin/sh\necho "LINT $(basename "$0")" >&2\n', { mode: 0o755 });
    fs.symlinkSync("../lint", `${cwd}/tools/hooks/pre-commit`);
    fs.symlinkSync("nowhere", `${cwd}/tools/hooks/pre-merge-commit`);
    fs.rmSync(`${cwd}/.git/hooks`, { recursive: true, force: true });
    fs.symlinkSync("../tools/hooks", `${cwd}/.git/hooks`);
    const before = contents(`${cwd}/tools`);
    await story.as("me", "guard", "install");
    repository.change("b.ts");
    expect(repository.git("commit", "--quiet", "-m", "b")).toEqual({ status: 0, stderr: "LINT pre-commit\n" });
    await bobClaims(story);
    repository.change("a.ts");
    expect(repository.git("commit", "--quiet", "-m", "a").stderr).toContain("a.ts is claimed by bob");
    await story.as("me", "guard", "remove");
    expect(contents(`${cwd}/tools`)).toEqual(before);
    expect(fs.readlinkSync(`${cwd}/tools/hooks/pre-commit`)).toBe("../lint");
  });

  test("pre-commit, installed again, calls ours as what was there, and refused each commit when it was called by that", async () => {
    const repository = new Repository();
    const { story } = repository;
    const hook = `${story.cwd}/.git/hooks/pre-commit`;
    fs.mkdirSync(path.dirname(hook), { recursive: true });
    const manage = (where: string) => {
      if (fs.existsSync(hook)) fs.renameSync(hook, `${hook}.legacy`);
      const script = `# File generated by pre-commit\n# in ${where}
[ -z "$PRE_COMMIT_RUNNING_LEGACY" ] || { echo "a bug of mine" >&2; exit 1; }
PRE_COMMIT_RUNNING_LEGACY=1\nexport PRE_COMMIT_RUNNING_LEGACY
echo LINT >&2\n[ ! -x "$0.legacy" ] || exec "$0.legacy" "$@"\n`;
      fs.writeFileSync(hook, `#!/bin/sh\n${script}`, { mode: 0o755 });
    };
    const commit = () => {
      repository.change("b.ts");
      return repository.git("commit", "--quiet", "-m", "b");
    };
    const linted = { status: 0, stderr: "LINT\n" };
    manage("one place");
    await story.as("me", "guard", "install");
    expect(commit()).toEqual(linted);
    manage("another");
    expect(commit(), "over ours").toEqual(linted);
    await story.as("me", "guard", "install");
    expect(commit(), "with ours over it again").toEqual(linted);
    await bobClaims(story);
    repository.change("a.ts");
    expect(commit().stderr).toMatch(/^LINT\nagent-relay: a\.ts is claimed by bob/);
    repository.git("restore", "--staged", "a.ts");
    await story.as("me", "guard", "remove");
    expect(commit()).toEqual(linted);
    expect(fs.existsSync(`${hook}.legacy`)).toBe(false);
    expect(fs.readdirSync(`${story.cwd}/.git`)).not.toContain("hooks.agent-relay-before");
  });
});

describe.skipIf(!hasGit)("the git guard refuses nothing but a conflict", () => {
  /** A repository with the guard, where a.ts is claimed by bob and changed. */
  async function guarded(): Promise<Repository> {
    const repository = new Repository();
    await repository.story.as("me", "guard", "install");
    await bobClaims(repository.story);
    repository.change("a.ts");
    expect(repository.git("commit", "--quiet", "-m", "a").status, "of what is claimed").toBe(1);
    return repository;
  }

  const NOT_CHECKED = /^(note: .*\n)?agent-relay: claims were not checked: [^\n]+\. Try: [^\n]+\n$/;

  function expectPassed(repository: Repository, env: Readonly<Record<string, string>> = {}): void {
    const passed = { status: 0, stderr: expect.stringMatching(NOT_CHECKED) };
    expect(repository.gitWith(env, "commit", "--quiet", "-m", "a")).toEqual(passed);
  }

  test.each<[string, (relay: string) => void]>([
    ["a record of claims that cannot be read", (relay) => fs.writeFileSync(`${relay}/claims/live.json`, "{")],
    ["a record of claims that is a folder", (relay) => replace(`${relay}/claims/live.json`, (it) => fs.mkdirSync(it))],
    ["a file where the relay should be", (relay) => replace(relay, (it) => fs.writeFileSync(it, ""))],
    [
      "a link that leads nowhere where the relay should be",
      (relay) => replace(relay, (it) => fs.symlinkSync("nowhere", it)),
    ],
  ])("%s made it refuse", async (_, spoil) => {
    const repository = await guarded();
    spoil(`${repository.story.cwd}/.relay`);
    expectPassed(repository);
  });

  test.skipIf(process.getuid?.() !== 0)("a relay of another user made it refuse", async () => {
    const repository = await guarded();
    fs.chownSync(`${repository.story.cwd}/.relay`, 12345, 12345);
    expectPassed(repository);
  });

  test("not to know whose commit it is made it refuse", async () => {
    const several = { AGENT_RELAY_SESSION: "", CODEX_THREAD_ID: "one", GEMINI_CLI: "1", CLAUDECODE: "1" };
    expectPassed(await guarded(), several);
  });

  test("a name that cannot be claimed let no other file be checked", async () => {
    const repository = await guarded();
    fs.symlinkSync("round", `${repository.story.cwd}/round`);
    repository.git("add", "round");
    const { status, stderr } = repository.git("commit", "--quiet", "-m", "a");
    expect(status).toBe(1);
    expect(stderr).toMatch(/^agent-relay: round was not checked: .*circle.*\nagent-relay: a\.ts is claimed by bob/m);
  });

  test("without Node, without agent-relay, or with one that fails, a line says so", async () => {
    const repository = await guarded();
    const bin = `${repository.base}/bin`;
    fs.mkdirSync(bin);
    for (const name of ["git", "sh", "cat"]) {
      const { stdout } = spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" });
      fs.symlinkSync(stdout.trim(), `${bin}/${name}`);
    }
    expectPassed(repository, { PATH: bin });
    const file = `${repository.story.cwd}/.git/hooks/pre-commit`;
    const script = fs.readFileSync(file, "utf8");
    const program = `${repository.base}/program.cjs`;
    for (const text of [undefined, "throw 1", "process.exit(3)"]) {
      if (text !== undefined)
        fs.writeFileSync(
          program,
          `console.error = () => {};\nprocess.on("uncaughtException", () => process.exit(1));\n${text}`,
        );
      fs.writeFileSync(file, script.replace(/^program=.*$/m, `program='${program}'`));
      repository.change("a.ts");
      expectPassed(repository);
    }
  });

  test("the variable passes it over also where that cannot be put on record", async () => {
    const repository = await guarded();
    const { cwd } = repository.story;
    replace(`${cwd}/.relay/activity`, (it) => fs.writeFileSync(it, ""));
    const { status, stderr } = repository.gitWith({ AGENT_RELAY_GUARD: "off" }, "commit", "--quiet", "-m", "a");
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringContaining("could not be put on record") });
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

async function bobClaims(story: Story): Promise<void> {
  await story.as("bob", "register", "--name", "bob");
  await story.as("bob", "claim", "a.ts");
}

function addRemote(repository: Repository, name: string): void {
  spawnSync("git", ["init", "--quiet", "--bare", name], { cwd: repository.base });
  repository.git("remote", "add", name, `${repository.base}/${name}`);
}

/** Puts something else where a file or folder is. */
function replace(file: string, make: (file: string) => void): void {
  fs.rmSync(file, { recursive: true, force: true });
  make(file);
}

/** Every file below a folder, with its mode and what is in it. */
function contents(folder: string): Record<string, unknown> {
  const names = fs.readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
  return Object.fromEntries(
    names.map((name) => {
      const stat = fs.lstatSync(`${folder}/${name}`);
      return [name, stat.isFile() ? [stat.mode, fs.readFileSync(`${folder}/${name}`, "utf8")] : stat.mode];
    }),
  );
}

test.skipIf(!hasGit || isOverHttp)(
  "the guard was absent in linked worktrees under a relative core.hooksPath, and no verb said so",
  async () => {
    const repository = new Repository();
    const { story } = repository;
    repository.git("commit", "--quiet", "--allow-empty", "-m", "x");
    const linked = `${story.cwd}-linked`;
    expect(repository.git("worktree", "add", "--quiet", linked).status).toBe(0);
    onTestFinished(() => fs.rmSync(linked, { recursive: true, force: true }));
    expect((await story.as("me", "guard", "status")).code, "before").toBe(3);
    repository.git("config", "core.hooksPath", ".hooks");
    const installed = await story.as("me", "guard", "install");
    expect(installed.err).toContain(`${fs.realpathSync(story.cwd)}/.hooks/pre-commit is a part of the project`);
    expect(installed.err).toContain(`not active in ${fs.realpathSync(linked)}, which has hooks of its own: cd `);
    const here = await story.as("me", "guard", "status");
    expect(here.code).toBe(0);
    expect(here.out).toMatch(/: active, pre-commit pre-merge-commit in .*\n.*linked: not active: cd /);
    expect((await story.as("me", "doctor")).out).toContain(
      `active in other worktrees, and not in ${fs.realpathSync(linked)}`,
    );
    const there = Object.assign(new Story(linked), { state: story.state });
    expect((await there.as("me", "guard", "status")).code).toBe(3);
    await there.as("me", "guard", "install");
    expect((await there.as("me", "guard", "status")).out).not.toContain("not active");
    repository.git("config", "--unset", "core.hooksPath");
    const common = await story.as("me", "guard", "install");
    expect(common.err, "git's own folder is one for all, and no part of the project").toBe("");
    expect((await there.as("me", "guard", "status")).code).toBe(0);
  },
);
