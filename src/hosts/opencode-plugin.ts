import { list, text } from "../schema.ts";

/** The line of a plugin that wakes an idle session. */
export const WAKING_PLUGIN = "const WAKES = true;";

/** In its first line. */
export const OUR_PLUGIN = "agent-relay-hook";

/** What a plugin of ours runs. */
export function programIn(plugin: string): readonly string[] | undefined {
  const words = /^const PROGRAM = (\[".*"\]);$/m.exec(plugin)?.[1];
  return words === undefined ? undefined : list(text()).parse(JSON.parse(words), "PROGRAM");
}

/**
 * The plugin's file. The program of these words is run for each event; what it says is put where OpenCode has a place for it.
 * With `wakes`, it also waits for mail while a session is idle.
 */
export function pluginFor(words: readonly string[], wakes: boolean): string {
  return `// ${OUR_PLUGIN} for OpenCode, made by: agent-relay setup opencode
import { spawn } from "node:child_process";

const PROGRAM = ${JSON.stringify(words)};
${wakes ? WAKING_PLUGIN : "const WAKES = false;"}
const PATIENCE = 5000; // ms

function start(args, options) {
  const [program, ...first] = PROGRAM;
  return spawn(program, [...first, ...args], options);
}

/** What the relay says at an event: { context }, { deny }, { goOn } or {}. */
function ask(event, sessionID, cwd, more = {}) {
  return new Promise((resolve) => {
    let said = "";
    const env = { ...process.env, AGENT_RELAY_SESSION: sessionID };
    const child = start(["opencode", event, ...(more.kind ? [more.kind] : [])], { cwd, env });
    const end = () => {
      clearTimeout(timer);
      try {
        resolve(said.trim() === "" ? {} : JSON.parse(said));
      } catch {
        resolve({});
      }
    };
    const timer = setTimeout(() => child.kill(), PATIENCE);
    child.stdout.on("data", (part) => (said += part));
    child.on("error", end);
    child.on("close", end);
    child.stdin.on("error", () => {});
    child.stdin.end(JSON.stringify({ session_id: sessionID, cwd, hook_event_name: event, ...more }));
  });
}

/** Says when mail has come that is worth waking an idle session for. */
function waitForMail(sessionID, cwd, wake) {
  let said = "";
  const env = { ...process.env, AGENT_RELAY_SESSION: sessionID };
  const child = start(["opencode", "Wake"], { cwd, env, stdio: ["pipe", "ignore", "pipe"] });
  child.stderr.on("data", (part) => (said += part));
  child.on("error", () => {});
  child.on("close", (code) => code === 2 && wake(said.trim()));
  child.stdin.on("error", () => {});
  child.stdin.end(JSON.stringify({ session_id: sessionID, cwd, hook_event_name: "Stop" }));
  child.unref();
  return child;
}

const kindOf = (tool) => (tool === "bash" ? "shell" : /^(write|edit|multiedit|patch|apply_patch)$/.test(tool) ? "edit" : undefined);

export const AgentRelay = async ({ client, directory }) => {
  const begun = new Set();
  const waiting = new Map();
  const outer = new Map(); // a subagent's session, and whose it is
  const endsWhenIdle = process.argv.includes("run");
  let count = 0;
  const isOwn = (sessionID) => begun.has(sessionID) && !outer.has(sessionID);
  const tell = (event, sessionID, more) => {
    const session = outer.get(sessionID) ?? sessionID;
    return ask(event, session, directory, session === sessionID ? more : { ...more, agent_id: sessionID });
  };
  const say = (id, text, more) => client.session.prompt({ path: { id }, body: { ...more, parts: [{ type: "text", text }] } });
  const stop = async (sessionID, more) => {
    const { goOn } = await tell("Stop", sessionID);
    if (goOn) await say(sessionID, goOn, more);
    return Boolean(goOn);
  };
  const stopWaiting = (sessionID) => {
    waiting.get(sessionID)?.kill();
    waiting.delete(sessionID);
  };
  return {
    async "chat.message"({ sessionID }, output) {
      if (outer.has(sessionID)) return;
      const event = begun.has(sessionID) ? "UserPromptSubmit" : "SessionStart";
      begun.add(sessionID);
      stopWaiting(sessionID);
      const { context } = await tell(event, sessionID);
      if (!context) return;
      const id = \`prt_\${Date.now().toString(36)}\${count++}\`;
      output.parts.push({ id, sessionID, messageID: output.message.id, type: "text", text: context, synthetic: true });
    },
    async "tool.execute.before"({ tool, sessionID }, { args }) {
      const kind = kindOf(tool);
      if (!kind) return;
      const { deny } = await tell("PreToolUse", sessionID, { kind, tool_name: tool, tool_input: args });
      if (deny) throw new Error(deny);
    },
    async "tool.execute.after"({ tool, sessionID, args }, output) {
      const { context } = await tell("PostToolUse", sessionID, { kind: kindOf(tool), tool_name: tool, tool_input: args });
      if (context) output.output = \`\${output.output ?? ""}\\n\${context}\`;
    },
    async "shell.env"({ sessionID }, output) {
      if (sessionID) output.env.AGENT_RELAY_SESSION = outer.get(sessionID) ?? sessionID;
    },
    async event({ event }) {
      const sessionID = event.properties?.sessionID ?? event.properties?.info?.id;
      const parent = event.properties?.info?.parentID;
      if (event.type === "session.created" && parent) outer.set(sessionID, outer.get(parent) ?? parent);
      if (event.type === "session.deleted" && isOwn(sessionID)) {
        stopWaiting(sessionID);
        await tell("SessionEnd", sessionID);
      }
      if (event.type !== "session.idle" || !isOwn(sessionID) || endsWhenIdle) return;
      if ((await stop(sessionID)) || !WAKES || waiting.has(sessionID)) return;
      const wake = (text) => waiting.delete(sessionID) && say(sessionID, text);
      waiting.set(sessionID, waitForMail(sessionID, directory, wake));
    },
    // The process of "opencode run" ends when its session is idle: what was said then, no model would see. A prompt that is
    // there before the model has ended its text is answered in the same turn.
    async "experimental.text.complete"({ sessionID }) {
      if (isOwn(sessionID) && endsWhenIdle) await stop(sessionID, { noReply: true });
    },
    async dispose() {
      for (const sessionID of [...waiting.keys()]) stopWaiting(sessionID);
    },
  };
};
`;
}
