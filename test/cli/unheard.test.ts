import { execFileSync, spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { tempDir } from "../support/cli.ts";
import { COMMAND } from "../support/paths.ts";

/** A project where b has a message, and what a shell line does in it as b. */
function place() {
  const cwd = tempDir();
  const env = { PATH: process.env.PATH, HOME: cwd, XDG_STATE_HOME: cwd, AGENT_RELAY_SESSION: "b", C: COMMAND };
  const node = (session: string, ...args: string[]) =>
    execFileSync(process.execPath, [COMMAND, ...args, "--session", session], { cwd, env, encoding: "utf8" });
  node("b", "register");
  const [id = ""] = /^[0-9a-z]{6}/.exec(node("a", "send", "--to", "b", "hello")) ?? [];
  const shell = (line: string) => {
    const { status, stderr, stdout } = spawnSync("sh", ["-c", line], {
      cwd,
      env: { ...env, ID: id },
      encoding: "utf8",
    });
    return { status, stderr, stdout };
  };
  return { shell, unread: () => node("b", "unread") };
}

describe.skipIf(process.platform === "win32")(
  "where what is printed goes nowhere, messages were marked as read",
  () => {
    test.each(["inbox >&-", "inbox >/dev/null", "inbox --json >&-", "read $ID >&-", "read $ID >/dev/null"])(
      "%s",
      (words) => {
        const { shell, unread } = place();
        const { status, stderr } = shell(`node "$C" ${words}`);
        expect(status).toBe(0);
        if (words.startsWith("inbox"))
          expect(stderr).toContain("Nothing is marked as read: what was printed went nowhere");
        expect(unread()).toBe("1\n");
        expect(shell('node "$C" inbox | cat').stdout).toContain("hello");
        expect(unread()).toBe("0\n");
      },
    );

    test("watch >/dev/null", () => {
      const { shell, unread } = place();
      expect(shell('node "$C" watch >/dev/null')).toMatchObject({
        status: 2,
        stderr: expect.stringContaining("agent-relay watch --exec"),
      });
      expect(unread()).toBe("1\n");
    });

    test.each(["codex UserPromptSubmit", "claude UserPromptSubmit", "codex Stop", "claude SessionStart"])(
      "hook %s >/dev/null",
      (words) => {
        const { shell, unread } = place();
        const payload = JSON.stringify({ session_id: "b", hook_event_name: words.split(" ")[1], prompt: "hi" });
        for (const nowhere of [">/dev/null", ">&-"])
          expect(shell(`printf '%s' '${payload}' | node "$C" hook ${words} ${nowhere}`).status).toBe(0);
        expect(unread()).toBe("1\n");
      },
    );
  },
);
