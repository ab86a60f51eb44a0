import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { HOSTS } from "../../src/hosts/hosts.ts";
import { Relay } from "../../src/index.ts";
import { hereOnly, Story, tempDir } from "../support/cli.ts";
import { drop } from "../support/foreign-message.ts";
import { strictJson } from "../support/strict-json.ts";

const ROCKET = "\u{1f680}";
const HALF = "\ud83d";
const FAMILY = "\u{1f469}\u200d\u{1f469}\u200d\u{1f467}\u200d\u{1f466}";

/** A project in which everything that anybody may say has pictures throughout, shifted by so many places, and a half. */
async function picturesEverywhere(shift: number): Promise<Story> {
  const story = new Story();
  const said = (rockets: number) => `${HALF}${"x".repeat(shift)}${ROCKET.repeat(rockets)}${FAMILY}`;
  const ann = new Relay(`${story.cwd}/.relay`, {
    session: "ann",
    agent: "codex",
    durability: "process",
    now: () => story.now,
  });
  await ann.agents.register({ name: "ann", role: "builder" });
  await story.as("bob", "register");
  await ann.agents.setStatus(said(41));
  await ann.claim([`src/${"x".repeat(shift)}${ROCKET.repeat(60)}`], { reason: said(41) });
  await ann.tasks.add(said(41), { description: said(100) });
  const { id } = await ann.tasks.add(`to block ${said(38)}`);
  await ann.tasks.claim(id);
  await ann.tasks.block(id, said(41));
  await ann.decisions.add(said(100));
  await ann.send(said(1000), { to: "bob" });
  await ann.send(`a question ${said(200)}`, { to: "bob", kind: "question" });
  await ann.send(said(12_000), { to: "bob" });
  await ann.send(said(30), {});
  drop(`${story.cwd}/.relay`, "msg-foreign", { from_session: "ann", to_session: "bob", content: said(20) });
  return story;
}

const READING = [
  ...[
    "inbox --peek",
    "inbox --all --peek",
    "history",
    "agents",
    "claims",
    "task list",
    "decisions",
    "activity",
    "status",
  ],
  ...[
    "status --compact",
    "check src",
    "conflicts",
    "export",
    "show mail",
    "show tasks",
    "show claims",
    "unread",
    "doctor",
  ],
];

hereOnly.each([0, 1, 2, 3])(
  "half a character lost mail: no verb says one, wherever text is cut (%i)",
  async (shift) => {
    const story = await picturesEverywhere(shift);
    for (const verb of READING) {
      const { out, err } = await story.as("bob", ...verb.split(" "));
      expect((out + err).isWellFormed(), verb).toBe(true);
      const { out: data } = await story.as("bob", ...verb.split(" "), "--json");
      for (const line of data.trim().split(/\n(?=[[{])/)) if (line !== "") strictJson(line);
    }
  },
);

hereOnly.each([0, 1, 2, 3])(
  "half a character lost mail: every host can read every answer of a hook (%i)",
  async (shift) => {
    for (const { agent } of HOSTS)
      for (const event of agent === "codex"
        ? ["SessionStart", "UserPromptSubmit", "Stop", "PreToolUse"]
        : ["SessionStart"]) {
        const story = await picturesEverywhere(shift);
        story.stdin = JSON.stringify({
          ...{ session_id: "bob", cwd: story.cwd, hook_event_name: event, transcript_path: "/t" },
          ...{ tool_name: "Write", tool_input: { file_path: `src/${"x".repeat(shift)}${ROCKET.repeat(60)}` } },
        });
        const { out } = await story.as(undefined, "hook", agent, event);
        if (out !== "") strictJson(out);
        if (agent === "codex") expect(out, event).not.toBe("");
      }
  },
);

hereOnly("half a character that a program sends is replaced before it is on disk", async () => {
  const story = await picturesEverywhere(0);
  const files = fs
    .readdirSync(story.cwd, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".json"));
  expect(files.length).toBeGreaterThan(8);
  for (const file of files.filter((each) => !each.includes("msg-foreign")))
    strictJson(fs.readFileSync(path.join(story.cwd, file), "utf8"));
});

test("what a library's caller gets back has no half in it either", async () => {
  const relay = new Relay(`${tempDir()}/.relay`, { session: "ann", agent: "claude", durability: "process" });
  await relay.agents.register();
  const { messages } = await relay.send(`half ${HALF}`);
  expect(messages[0]?.content).toBe("half \ufffd");
});
