import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { Story, tempDir } from "./cli.ts";
import { treeOf } from "./folder-tree.ts";

/** A project and a home folder, each file in it by its text. */
export class Office {
  readonly story: Story;
  readonly base = tempDir();

  constructor(files: Readonly<Record<string, string>> = {}) {
    fs.mkdirSync(`${this.base}/project/.git`, { recursive: true });
    this.story = new Story(`${this.base}/project`);
    for (const [file, text] of Object.entries(files)) this.write(file, text);
  }

  write(file: string, text: string): void {
    fs.mkdirSync(path.dirname(`${this.story.cwd}/${file}`), { recursive: true });
    fs.writeFileSync(`${this.story.cwd}/${file}`, text);
  }

  read(file: string): string {
    return fs.readFileSync(`${this.story.cwd}/${file}`, "utf8");
  }

  setup(...args: string[]) {
    return this.story.as("ann", "setup", ...args);
  }

  /** Makes the project a repository in which all files are committed. Returns what runs git in it. */
  repository(): (...args: string[]) => string {
    const git = (...args: string[]) =>
      execFileSync("git", ["-C", this.story.cwd, "-c", "user.name=x", "-c", "user.email=x@y", ...args], {
        encoding: "utf8",
        env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null" },
      });
    fs.rmSync(`${this.story.cwd}/.git`, { recursive: true });
    git("init", "--quiet");
    git("add", ".");
    git("commit", "--quiet", "-m", "first");
    return git;
  }

  /** Every file with its bytes, without the relay. */
  files(): Record<string, string> {
    const all = treeOf(this.story.cwd).filter(([name]) => !/^(\.relay|\.git)(\/|$)/.test(name) && name !== "");
    return Object.fromEntries(all.map(([name, mode, , holds]) => [name, `${mode} ${holds}`]));
  }
}

/** Settings files as people have them. */
export const FOREIGN: Readonly<Record<string, string>> = {
  "nothing but a model": '{\n  "model": "x"\n}\n',
  "foreign hooks": '{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"say done"}]}]},"a":[1,2]}',
  "comments and commas": '// top\n{\n\t/* in */ "hooks": {\n\t\t"Stop": [], // end\n\t},\n\t"z": 1,\n}\n\n',
  "Windows line ends": '{\r\n    "env": {\r\n        "A": "b"\r\n    }\r\n}\r\n',
  "an empty object": "{}",
  "an empty file": "",
  "no line end, and letters of all kinds": '{ "ü": "\u{1f980} \\u0000" }',
};
