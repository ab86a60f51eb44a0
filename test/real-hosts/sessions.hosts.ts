import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { FILE, REASON } from "./conversation.ts";
import { REAL_HOSTS } from "./hosts.ts";
import { outcomeOf } from "./outcome.ts";
import { Peer } from "./peer.ts";
import type { Case } from "./project.ts";
import { copies } from "./requests.ts";

const [claude, codex] = ["claude", "codex"].map((name) => REAL_HOSTS.find((host) => host.name === name));
if (!claude || !codex) throw new Error("Claude Code and Codex are hosts");

const MAIL = "MAIL-BESIDE-A-ROCKET";

describe("Codex, where text is cut within an emoji", () => {
  const outcome = outcomeOf(codex, async (at) => {
    const bob = new Peer(at);
    await at.relay("setup", "codex");
    await bob.comes();
    for (const shift of [77, 78, 79]) await bob.types("task", "add", `${"x".repeat(shift)}\u{1f680} tail`);
    await bob.sends(MAIL);
    const code = await at.host(codex.first("begin"));
    return { code, turns: [...at.stub.turns] };
  });

  test("refused the whole answer of the hook, and lost the mail that was in it", () => {
    const { code, turns } = outcome().was;
    expect(code).toBe(0);
    expect(copies(turns[0], MAIL)).toBe(1);
  });
});

describe.each([claude, codex])("$name, whose hooks a team has committed, by the name of the program", (host) => {
  const outcome = outcomeOf(host, async (at) => {
    const bob = new Peer(at);
    await at.relay("setup", host.name, "--by-name");
    await bob.comes();
    await bob.sends(MAIL);
    const code = await at.host(host.first("begin"));
    return { code, turns: [...at.stub.turns] };
  });

  test("heard of no mail", () => {
    const { code, turns } = outcome().was;
    expect(code).toBe(0);
    expect(copies(turns[0], MAIL)).toBe(1);
  });
});

describe("Claude Code, with a second process of its session", () => {
  const outcome = outcomeOf(claude, async (at) => {
    const bob = new Peer(at);
    await at.relay("setup", "claude");
    await bob.comes();
    const held: string[] = [];
    await at.talk(async (say) => {
      await say("begin");
      const session = await bob.finds();
      await at.relay("claim", FILE, "--session", session);
      const code = await at.host(["-p", "beside it", "--permission-mode", "bypassPermissions", "--resume", session]);
      held.push(String(code), await at.relay("claims"), await bob.types("agents", "--json"));
    });
    return held;
  });

  test("lost its claims when the second one ended", () => {
    const [code, claims, agents] = outcome().was;
    expect(code).toBe("0");
    expect(claims).toContain(FILE);
    expect(JSON.parse(agents ?? "[]").map(({ presence }: { presence: string }) => presence)).toEqual([
      "active",
      "active",
    ]);
  });
});

describe("Claude Code, after /clear", () => {
  const outcome = outcomeOf(claude, async (at) => {
    const bob = new Peer(at);
    await at.relay("setup", "claude", "--mcp");
    await bob.comes();
    const file = path.join(at.project, FILE);
    const here: string[] = [];
    const look = async () => void here.push(await bob.types("agents", "--json"));
    at.stub.will({ answer: claude.mcp("whoami", {}) }, { answer: { text: "done" } });
    at.stub.will(
      { answer: claude.mcp("claim", { paths: [FILE], reason: REASON }) },
      { before: look, answer: claude.read?.(file) ?? { text: "" } },
      { answer: claude.edit(file, "before", "after") },
      { answer: { text: "done" } },
    );
    await at.talk(async (say) => {
      await say("begin");
      await look();
      await say("/clear");
      await say("go on");
    });
    return { here, claims: await at.relay("claims"), turns: [...at.stub.turns], text: at.file(FILE) };
  });

  test("had tools that were another agent, whose claim kept it from its own file", () => {
    const { here, text } = outcome().was;
    const sessions = here.map((all) =>
      JSON.parse(all)
        .filter((one: { agent_id: string }) => one.agent_id === "claude")
        .map((one: { session_id: string; presence: string }) => one.session_id),
    );
    expect(sessions.map((each) => each.length)).toEqual([1, 1]);
    expect(sessions[0]).not.toEqual(sessions[1]);
    expect(text).toBe("after\n");
  });
});

describe("Claude Code, whose shell has gone into a clone inside the project", () => {
  const outcome = outcomeOf(claude, async (at) => {
    const bob = new Peer(at);
    await within(at);
    await at.relay("setup", "claude");
    await bob.comes();
    await bob.types("claim", FILE, "--reason", REASON);
    const file = path.join(at.project, FILE);
    if (claude.read) at.stub.will({ answer: claude.read(file) });
    at.stub.will(
      { answer: claude.shell("cd vendored") },
      { answer: claude.edit(file, "before", "after") },
      { before: () => bob.sends(MAIL), answer: claude.shell("true") },
    );
    const code = await at.host(claude.first("begin"));
    return { code, turns: [...at.stub.turns], text: at.file(FILE) };
  });

  test("edited what another had claimed, and heard no mail any more", () => {
    const { code, turns, text } = outcome().was;
    expect(code).toBe(0);
    expect(text).toBe("before\n");
    expect(copies(turns.at(-1), REASON)).toBeGreaterThan(0);
    expect(copies(turns.at(-1), MAIL)).toBe(1);
    expect(fs.existsSync(path.join(outcome().at.project, "vendored/.relay"))).toBe(false);
  });
});

async function within(at: Case): Promise<void> {
  await at.git("init", "--quiet", "vendored");
}
