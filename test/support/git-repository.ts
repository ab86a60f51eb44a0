import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { expect } from "vitest";
import { Story, tempDir } from "./cli.ts";

export const hasGit = spawnSync("git", ["--version"]).status === 0;

/** A repository with two files, and git as a person runs it. */
export class Repository {
  readonly base = tempDir();
  readonly story: Story;

  constructor() {
    fs.mkdirSync(`${this.base}/main`);
    this.story = this.at("main");
    this.git("init", "--quiet");
    for (const file of ["a.ts", "b.ts"]) fs.writeFileSync(`${this.story.cwd}/${file}`, "1\n");
    this.git("add", ".");
    this.git("commit", "--quiet", "-m", "first");
  }

  at(worktree: string): Story {
    const story = Object.assign(new Story(`${this.base}/${worktree}`), { isReal: true });
    story.now = Date.now();
    return story;
  }

  git(...args: string[]) {
    return this.gitWith({}, ...args);
  }

  gitWith(env: Readonly<Record<string, string>>, ...args: string[]) {
    return this.gitIn("main", env, ...args);
  }

  gitIn(worktree: string, env: Readonly<Record<string, string>>, ...args: string[]) {
    const { status, stderr } = spawnSync("git", ["-c", "user.name=x", "-c", "user.email=x@y", ...args], {
      cwd: `${this.base}/${worktree}`,
      env: {
        ...process.env,
        HOME: this.base,
        XDG_STATE_HOME: this.base,
        AGENT_RELAY_SESSION: "me",
        GIT_CONFIG_GLOBAL: "/dev/null",
        ...env,
      },
      encoding: "utf8",
    });
    return { status, stderr };
  }

  change(file: string): void {
    fs.appendFileSync(`${this.story.cwd}/${file}`, "more\n");
    this.git("add", file);
  }

  /** Commits what `file` now says in a worktree, past every hook. */
  commit(worktree: string, file: string, text: string): void {
    fs.writeFileSync(`${this.base}/${worktree}/${file}`, text);
    this.gitIn(worktree, {}, "add", file);
    expect(this.gitIn(worktree, {}, "commit", "--quiet", "--no-verify", "-m", `${worktree}: ${file}`).status).toBe(0);
  }
}
