import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import { describe, expect, test } from "vitest";
import { isOverHttp, Story, tempDir } from "../support/cli.ts";

const hasTools = spawnSync("ssh-keygen", ["-?"]).error === undefined && spawnSync("git", ["--version"]).status === 0;

/** A project in git, of a person who signs with an SSH key. */
function signing(): Story {
  const story = new Story();
  story.env = { HOME: tempDir(), AGENT_RELAY_DIR: `${story.cwd}/.relay` };
  const git = (...args: string[]) => execFileSync("git", args, { cwd: story.cwd, stdio: "ignore" });
  git("init");
  git("config", "user.email", "ann@example.com");
  git("config", "user.signingkey", newKey(`${story.cwd}/ann`));
  return story;
}

function newKey(file: string): string {
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file]);
  return file;
}

const sentBy = async (story: Story, ...words: readonly [string, ...string[]]) =>
  (await story.json<{ id: string }>(...words)).id;

describe.skipIf(!hasTools)("a message that is signed with an SSH key", () => {
  test("is shown as its signer's by who knows that key, and as of an unknown key by who does not", async () => {
    const story = signing();
    await story.as("b", "register");
    const id = await sentBy(story, "a", "send", "--to", "b", "--sign", "merge it");
    expect((await story.as("b", "inbox", "--peek")).out).toContain(
      "has an SSH signature by a key that is not known, it says of ann@example.com: agent-relay key --allow: merge it",
    );
    expect((await story.as("b", "read", id)).out).toContain("by a key that is not known, it says of ann@example.com");
    expect((await story.as("b", "key", "--allow", "ann@example.com", "--file", "ann.pub")).out).toMatch(/^1 of 1 keys/);
    expect((await story.as("b", "key", "--allow", "ann@example.com", "--file", "ann.pub")).out).toMatch(/^0 of 1 keys/);
    expect((await story.as("b", "read", id)).out).toContain("signed with an SSH key of ann@example.com, read by");
    const other = newKey(`${story.cwd}/other`);
    execFileSync("git", ["config", "user.signingkey", other], { cwd: story.cwd });
    const eves = await sentBy(story, "a", "reply", id, "--sign", "not ann");
    expect((await story.as("a", "read", eves)).out).toContain("by a key that is not known, it says of ann@example.com");
  });

  test.skipIf(isOverHttp)("is good for all that it said, to whom, and in this relay alone", async () => {
    const story = signing();
    await story.as("b", "register");
    await story.as("b", "key", "--allow", "ann@example.com", "--file", "ann.pub");
    const id = await sentBy(story, "a", "send", "--to", "b", "--sign", "--kind", "question", "yes?");
    const file = `${story.cwd}/.relay/messages/${id}.json`;
    const text = fs.readFileSync(file, "utf8");
    for (const [from, to] of [
      ["yes?", "no?"],
      ['"kind": "question"', '"kind": "info"'],
      ['"from_agent": "human"', '"from_agent": "claude"'],
      ['"seq": ', '"seq": 1'],
    ] as const) {
      fs.writeFileSync(file, text.replace(from, to));
      const { out } = await story.as("b", "read", id);
      expect(text).toContain(from);
      expect(out, from).toContain("ITS SSH SIGNATURE IS OF ANOTHER TEXT");
      expect((await story.as("b", "activity")).out, from).toContain(", proof ITS SSH SIGNATURE IS OF ANOTHER TEXT: ");
      expect((await story.as("b", "show", "mail")).out, from).toContain(", ITS SSH SIGNATURE IS OF ANOTHER TEXT: ");
    }
    fs.writeFileSync(file, text);
    expect((await story.as("b", "read", id)).out).toContain("signed with an SSH key of ann@example.com");
  });

  test.skipIf(isOverHttp)("of another text was shown as one that has a signature, by all verbs but one", async () => {
    const story = signing();
    await story.as("b", "register");
    await story.as("b", "key", "--allow", "ann@example.com", "--file", "ann.pub");
    const id = await sentBy(story, "a", "send", "--to", "b", "--sign", "yes?");
    const file = `${story.cwd}/.relay/messages/${id}.json`;
    const signed = fs.readFileSync(file, "utf8");
    const forged = JSON.parse(signed.replace("yes?", "no?"));
    const claim = { state: "signed", is_sealed: false, ssh: { state: "signed", by: "ann@example.com" } };
    const looks = [["history"], ["thread", id], ["read", id], ["inbox", "--all"], ["explain", id]];
    for (const [text, words, state] of [
      [signed, "signed with an SSH key of ann@example.com", "signed"],
      [JSON.stringify(forged), "ITS SSH SIGNATURE IS OF ANOTHER TEXT", "wrong"],
      [JSON.stringify({ ...forged, proof: claim }), "ITS SSH SIGNATURE IS OF ANOTHER TEXT", "wrong"],
    ] as const)
      for (const look of looks) {
        fs.writeFileSync(file, text);
        expect((await story.as("b", ...look)).out, `${look} of ${words}`).toContain(words);
        fs.writeFileSync(file, text);
        const { out } = await story.as("b", ...look, "--json");
        expect(out.replaceAll(/\s/g, ""), `${look} --json`).toContain(`"ssh":{"state":"${state}"`);
      }
    const { ssh_signature: _, ...unsigned } = forged;
    fs.writeFileSync(file, JSON.stringify({ ...unsigned, proof: claim }));
    expect((await story.as("b", "read", id)).out, "what a message says of itself").not.toContain("ann@example.com");
  });

  test("is refused without a key, with what to do", async () => {
    const story = signing();
    execFileSync("git", ["config", "--unset", "user.signingkey"], { cwd: story.cwd });
    expect(await story.as("a", "send", "--sign", "x")).toMatchObject({
      code: 3,
      err: expect.stringContaining("ssh-keygen"),
    });
    execFileSync("git", ["config", "user.signingkey", "/nowhere/key"], { cwd: story.cwd });
    expect(await story.as("a", "send", "--sign", "x")).toMatchObject({
      code: 1,
      err: expect.stringContaining("Cannot sign with"),
    });
    expect(await story.as("a", "key", "--allow", "bad signer", "--file", "ann.pub")).toMatchObject({ code: 2 });
    expect(await story.as("a", "key", "--allow", "ann", "--file", "none.pub")).toMatchObject({ code: 3 });
  });

  test("is believed of collaborators, as gh lists them with their keys", async () => {
    const story = signing();
    const bin = tempDir();
    const key = fs.readFileSync(`${story.cwd}/ann.pub`, "utf8").trim();
    const script = `#!/bin/sh\ncase "$*" in\n*collaborators*) echo ann-at-github;;\n*ann-at-github/ssh_signing_keys*) echo '${key}';;\n*) exit 1;;\nesac\n`;
    fs.writeFileSync(`${bin}/gh`, script, { mode: 0o755 });
    const before = process.env.PATH;
    process.env.PATH = `${bin}:${before}`;
    try {
      expect((await story.as("b", "key", "--collaborators")).code, "no repository on GitHub").toBe(3);
      execFileSync("git", ["remote", "add", "origin", "git@github.com:ann/shop.git"], { cwd: story.cwd });
      expect((await story.as("b", "key", "--collaborators")).out).toMatch(/^1 of 1 keys of 1 collaborators/);
    } finally {
      process.env.PATH = before;
    }
    await story.as("b", "register");
    const id = await sentBy(story, "a", "send", "--to", "b", "--sign", "x");
    expect((await story.as("b", "read", id)).out).toContain(
      "an SSH key of ann-at-github, who is ann@example.com to git",
    );
  });
});
