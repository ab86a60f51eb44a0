import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import { expect, test } from "vitest";
import { hereOnly, type Ran, Story } from "../support/cli.ts";
import { COMMAND } from "../support/paths.ts";

/** The commands that an error suggests, as a shell reads their words. */
function suggested({ err }: Pick<Ran, "err">): string[][] {
  const advice = /^Try: (.*)$/m.exec(err)?.[1] ?? "";
  return advice.split(/, or (?=agent-relay)|; (?=for |AGENT)/).map((command) => {
    const out = execFileSync("sh", ["-c", `printf '%s\\n' ${command}`], { encoding: "utf8" });
    const [program, ...words] = out.trimEnd().split("\n");
    expect(program).toBe("agent-relay");
    return words;
  });
}

function subfolder(story: Story, folder: string): Story {
  fs.mkdirSync(`${story.cwd}/${folder}`, { recursive: true });
  return Object.assign(new Story(`${story.cwd}/${folder}`), { state: story.state });
}

test.each(["db.ts", "two words.ts", "$(touch x).ts", "-dash.ts", "a[1-2].ts"])(
  "from a subfolder the advice for %j named a path that is wrong there",
  async (name) => {
    const story = new Story();
    fs.mkdirSync(`${story.cwd}/.git`);
    const below = subfolder(story, "src");
    const typed = name.startsWith("-") ? `./${name}` : name;
    await story.as("a", "claim", `src/${name}`);
    const refused = await below.as("b", "claim", typed);
    expect(refused.code).toBe(4);
    const [, ask = []] = suggested(refused);
    expect((await below.as("b", ...ask)).code, refused.err).toBe(0);
    const notTheirs = await below.as("b", "release", typed);
    expect(notTheirs.code).toBe(6);
    const [askAgain = []] = suggested(notTheirs);
    expect(await below.as("b", ...askAgain), notTheirs.err).toMatchObject({ code: 0 });
    expect((await story.as("a", "inbox")).out.match(/asks? |request-yield/g)?.length).toBeGreaterThan(1);
  },
);

test("what is held as a part of more is released by the command that the error names, from a subfolder", async () => {
  const story = new Story();
  fs.mkdirSync(`${story.cwd}/.git`);
  const below = subfolder(story, "src");
  await story.as("a", "claim", "src", "docs");
  const part = await below.as("a", "release", "one.ts");
  expect(part.code).toBe(3);
  const [words = []] = suggested(part);
  expect(words).toEqual(["release", ".", "../docs"]);
  expect((await below.as("a", ...words)).code).toBe(0);
});

test("a task's files are asked for by paths that are right where one stands", async () => {
  const story = new Story();
  fs.mkdirSync(`${story.cwd}/.git`);
  const below = subfolder(story, "src");
  await story.as("a", "task", "add", "Parse", "--file", "src/a b.ts");
  await story.as("a", "claim", "src/a b.ts");
  const refused = await below.as("b", "task", "claim", "parse", "--claim-files");
  expect(refused.code).toBe(4);
  const [, ask = []] = suggested(refused);
  expect(ask).toEqual(["send", "--claim", "a b.ts", "..."]);
  expect((await below.as("b", ...ask)).code).toBe(0);
});

hereOnly(
  "the guard's advice was not quoted, and named a path of the top where a commit in a subfolder was refused",
  () => {
    const { cwd } = new Story();
    const env = { PATH: process.env.PATH ?? "", HOME: cwd, USER: "ann" };
    const git = (folder: string, ...args: string[]) => spawnSync("git", args, { cwd: folder, env, encoding: "utf8" });
    const relay = (folder: string, session: string, ...args: string[]) =>
      spawnSync(process.execPath, [COMMAND, ...args], {
        ...{ cwd: folder, encoding: "utf8" },
        env: { ...env, AGENT_RELAY_SESSION: session },
      });
    git(cwd, "init", "--quiet");
    for (const [name, value] of [
      ["user.email", "a@b.c"],
      ["user.name", "a"],
    ] as const)
      git(cwd, "config", name, value);
    relay(cwd, "a", "guard", "install");
    fs.mkdirSync(`${cwd}/src`);
    fs.writeFileSync(`${cwd}/src/my file.ts`, "x");
    relay(cwd, "a", "claim", "src/my file.ts");
    git(cwd, "add", "src");
    const refused = git(`${cwd}/src`, "commit", "--quiet", "-m", "x");
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toContain(
      `Try: agent-relay send --claim 'my file.ts' "...", or git restore --staged 'my file.ts'`,
    );
    expect(relay(`${cwd}/src`, "b", "send", "--claim", "my file.ts", "...").status).toBe(0);
    expect(git(`${cwd}/src`, "rm", "--cached", "--quiet", "my file.ts").status).toBe(0);
  },
);

test("task next --claim-files advised to wait for a path that is wrong in a subfolder, and not quoted", async () => {
  const story = new Story();
  fs.mkdirSync(`${story.cwd}/.git`);
  const below = subfolder(story, "docs");
  await story.as("a", "task", "add", "Parse", "--file", "src/a b.ts");
  await story.as("a", "claim", "src/a b.ts");
  const refused = await below.as("b", "task", "next", "--claim-files");
  expect(refused.err).toContain("Try: agent-relay wait --released '../src/a b.ts', or take one without --claim-files");
});
