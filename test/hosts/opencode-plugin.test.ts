import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { builtPlugin, pluginFor } from "../../src/hosts/opencode-plugin-file.ts";
import { Relay } from "../../src/index.ts";
import { tempDir } from "../support/cli.ts";
import { COMMAND, LAUNCHER } from "../support/paths.ts";

interface Part {
  readonly text: string;
}

/** A project of which OpenCode has loaded our plugin, as it calls it. */
async function opened() {
  const directory = tempDir();
  const file = path.join(tempDir(), "agent-relay.mjs");
  fs.writeFileSync(file, pluginFor(builtPlugin(COMMAND), [LAUNCHER], false));
  const prompts: { path: { id: string }; body: { parts: Part[] } }[] = [];
  const client = { session: { prompt: async (prompt: (typeof prompts)[0]) => void prompts.push(prompt) } };
  const bob = new Relay(`${directory}/.relay`, { session: "bob", agent: "codex", durability: "process" });
  await bob.agents.register();
  const { AgentRelay } = await import(pathToFileURL(file).href);
  const hooks = await AgentRelay({ client, directory });
  const asked = async (sessionID: string, mode: object = {}): Promise<string> => {
    const output = { message: { id: "msg_1", ...mode }, parts: [] as Part[] };
    await hooks["chat.message"]({ sessionID }, output);
    return output.parts.map(({ text }) => text).join("");
  };
  const happens = (type: string, properties: object) => hooks.event({ event: { type, properties } });
  return { hooks, bob, prompts, asked, happens };
}

test.skipIf(process.platform === "win32")(
  "a session is greeted, hears mail at a prompt and after a tool, and is held once at its end",
  async () => {
    const { hooks, bob, prompts, asked, happens } = await opened();
    expect(await asked("ses_1")).toContain("You are opencode-");
    expect(await asked("ses_1"), "nothing to say").toBe("");
    await bob.send("at the prompt", { to: "ses_1" });
    expect(await asked("ses_1")).toContain("at the prompt");
    await bob.send("after a tool", { to: "ses_1" });
    const output = { output: "done" };
    await hooks["tool.execute.after"]({ tool: "read", sessionID: "ses_1", args: {} }, output);
    expect(output.output).toMatch(/^done\n[\s\S]*after a tool/);
    await bob.send("at the end", { to: "ses_1" });
    for (let turn = 0; turn < 2; turn++) await happens("session.idle", { sessionID: "ses_1" });
    expect(prompts.map(({ path: { id }, body }) => `${id}: ${body.parts[0]?.text.includes("at the end")}`)).toEqual([
      "ses_1: true",
    ]);
    await happens("session.deleted", { info: { id: "ses_1" } });
    expect((await bob.agents.list()).map(({ session_id }) => session_id)).toEqual(["bob"]);
  },
);

test.skipIf(process.platform === "win32")(
  "mail turned a session that plans into one that builds: it goes on with its own agent, by its own model",
  async () => {
    const { bob, prompts, asked, happens } = await opened();
    const plan = { agent: "plan", model: { providerID: "p", modelID: "m" } };
    await asked("ses_1", plan);
    await bob.send("at the end", { to: "ses_1" });
    await happens("session.idle", { sessionID: "ses_1" });
    expect(prompts.map(({ body }) => body)).toEqual([{ ...plan, parts: [expect.anything()] }]);
  },
);

test.skipIf(process.platform === "win32")(
  "an edit of what another has claimed throws with who and why; the shell knows its session",
  async () => {
    const { hooks, bob, asked } = await opened();
    await asked("ses_1");
    await bob.claim("src", { reason: "new grammar" });
    const edit = hooks["tool.execute.before"]({ tool: "write", sessionID: "ses_1" }, { args: { filePath: "src/a" } });
    await expect(edit).rejects.toThrow(/is not to be edited now[\s\S]*new grammar/);
    await hooks["tool.execute.before"]({ tool: "write", sessionID: "ses_1" }, { args: { filePath: "b" } });
    const shell = { env: {} };
    await hooks["shell.env"]({ sessionID: "ses_1" }, shell);
    expect(shell.env).toEqual({ AGENT_RELAY_SESSION: "ses_1" });
  },
);

test.skipIf(process.platform === "win32")(
  "a subagent is no agent of its own, takes none of the mail, and is kept from what is claimed",
  async () => {
    const { hooks, bob, prompts, asked, happens } = await opened();
    await asked("ses_1");
    await happens("session.created", { info: { id: "ses_2", parentID: "ses_1" } });
    await happens("session.created", { info: { id: "ses_3", parentID: "ses_2" } });
    await bob.send("for the first", { to: "ses_1" });
    for (const sub of ["ses_2", "ses_3"]) {
      expect(await asked(sub)).toBe("");
      await happens("session.idle", { sessionID: sub });
      const shell = { env: {} };
      await hooks["shell.env"]({ sessionID: sub }, shell);
      expect(shell.env).toEqual({ AGENT_RELAY_SESSION: "ses_1" });
    }
    await bob.claim("src");
    const edit = hooks["tool.execute.before"]({ tool: "edit", sessionID: "ses_3" }, { args: { filePath: "src/a" } });
    await expect(edit).rejects.toThrow("is not to be edited now");
    await happens("session.deleted", { info: { id: "ses_2" } });
    expect(prompts).toEqual([]);
    expect((await bob.agents.list()).map(({ session_id }) => session_id).sort()).toEqual(["bob", "ses_1"]);
    expect(await asked("ses_1")).toContain("for the first");
  },
);
