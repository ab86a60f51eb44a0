import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { Relay } from "../../src/relay.ts";
import { tempDir } from "../support/cli.ts";
import { COMMAND, LAUNCHER } from "../support/paths.ts";

// `agent-relay-hook unread --session a`: what the verb says, without Node where nothing waits.

describe.skipIf(process.platform === "win32")("a script that asks often", () => {
  /** A project whose session has looked by Node. `says` is what the launcher says, with Node or without any. */
  function project() {
    const cwd = tempDir();
    const env = { HOME: cwd, XDG_STATE_HOME: `${cwd}/state`, USER: "ann" };
    const run = (file: string, args: readonly string[], PATH: string | undefined) => {
      const { status, stdout, stderr } = spawnSync(file, args, { cwd, env: { ...env, PATH }, encoding: "utf8" });
      return { status, stdout, stderr };
    };
    const byNode = (...args: string[]) => run(process.execPath, [COMMAND, ...args], process.env.PATH);
    const says = (...args: string[]) => run(LAUNCHER, args, process.env.PATH);
    const saysAlone = (...args: string[]) => run(LAUNCHER, args, "/nowhere");
    byNode("register", "--session", "a");
    return { cwd, byNode, says, saysAlone, relay: (session: string) => new Relay(`${cwd}/.relay`, { session }) };
  }
  const nobody = {
    status: 1,
    stdout: "",
    stderr: "Cannot run agent-relay unread: there is no node in PATH: /nowhere\n",
  };

  test("is answered without Node once Node has found nothing, in the words of the verbs", () => {
    const { byNode, saysAlone } = project();
    expect(saysAlone("inbox", "--session", "a").status).toBe(1);
    for (const args of [
      ["unread", "--session", "a"],
      ["unread", "--quiet", "--session", "a"],
      ["inbox", "--session", "a"],
    ]) {
      const said = byNode(...args);
      expect(saysAlone(...args)).toEqual(said);
    }
  });

  test("is answered by Node where mail waits, where a question is open, and for any other flag", async () => {
    const { byNode, says, saysAlone, relay } = project();
    byNode("unread", "--session", "a");
    byNode("inbox", "--session", "a");
    await relay("b").send("a question", { to: "a", kind: "question" });
    expect(saysAlone("unread", "--session", "a")).toEqual(nobody);
    expect(says("unread", "--session", "a").stdout).toBe("1\n");
    expect(says("unread", "--quiet", "--session", "a").status).toBe(0);
    expect(says("unread", "--json", "--session", "a").stdout).toContain('"count":1');
    expect(says("inbox", "--session", "a").stdout).toContain("a question");
    expect(says("inbox", "--session", "a").stdout).toContain("a question"); // it is still open
    expect(says("unread", "--session", "a").stdout).toBe("0\n");
  });

  test("is answered by Node when the time is over that Node's look is good for, for others, and in a relay that is a link", () => {
    const { cwd, byNode, saysAlone } = project();
    byNode("unread", "--session", "a");
    expect(saysAlone("unread", "--session", "a").stdout).toBe("0\n");
    expect(saysAlone("unread", "--session", "b")).toEqual(nobody);
    expect(saysAlone("unread", "--session", "../a")).toEqual(nobody);
    const [mark = ""] = fs.readdirSync(`${cwd}/.relay/agents`).filter((name) => name.startsWith("a.unread_"));
    fs.utimesSync(path.join(cwd, ".relay/agents", mark), 1, 1);
    expect(saysAlone("unread", "--session", "a")).toEqual(nobody);
    byNode("unread", "--session", "a");
    fs.renameSync(`${cwd}/.relay`, `${cwd}/elsewhere`);
    fs.symlinkSync(`${cwd}/elsewhere`, `${cwd}/.relay`);
    expect(saysAlone("unread", "--session", "a")).toEqual(nobody);
  });

  test("renews the sign of life of who looks", () => {
    const { cwd, byNode, saysAlone } = project();
    byNode("unread", "--session", "a");
    fs.utimesSync(`${cwd}/.relay/agents/a.seen`, 1, 1);
    saysAlone("unread", "--session", "a");
    expect(Date.now() - fs.statSync(`${cwd}/.relay/agents/a.seen`).mtimeMs).toBeLessThan(60_000);
  });
});
