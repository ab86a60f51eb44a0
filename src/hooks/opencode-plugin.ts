/** The plugin's file. `launcher` is run for each event; what it says is put where OpenCode has a place for it. */
export function pluginFor(launcher: string): string {
  return `// agent-relay-hook for OpenCode, made by: agent-relay setup opencode
import { spawn } from "node:child_process";

const LAUNCHER = ${JSON.stringify(launcher)};
const PATIENCE = 5000; // ms

/** What the relay says at an event: { context }, { deny }, { goOn } or {}. */
function ask(event, sessionID, cwd, more = {}) {
  return new Promise((resolve) => {
    let said = "";
    const env = { ...process.env, AGENT_RELAY_SESSION: sessionID };
    const child = spawn(LAUNCHER, ["opencode", event, ...(more.kind ? [more.kind] : [])], { cwd, env });
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

const kindOf = (tool) => (tool === "bash" ? "shell" : /^(write|edit|multiedit|patch|apply_patch)$/.test(tool) ? "edit" : undefined);

export const AgentRelay = async ({ client, directory }) => {
  const begun = new Set();
  let count = 0;
  return {
    async "chat.message"({ sessionID }, output) {
      const event = begun.has(sessionID) ? "UserPromptSubmit" : "SessionStart";
      begun.add(sessionID);
      const { context } = await ask(event, sessionID, directory);
      if (!context) return;
      const id = \`prt_\${Date.now().toString(36)}\${count++}\`;
      output.parts.push({ id, sessionID, messageID: output.message.id, type: "text", text: context, synthetic: true });
    },
    async "tool.execute.before"({ tool, sessionID }, { args }) {
      const kind = kindOf(tool);
      if (!kind) return;
      const { deny } = await ask("PreToolUse", sessionID, directory, { kind, tool_name: tool, tool_input: args });
      if (deny) throw new Error(deny);
    },
    async "tool.execute.after"({ tool, sessionID, args }, output) {
      const { context } = await ask("PostToolUse", sessionID, directory, { kind: kindOf(tool), tool_name: tool, tool_input: args });
      if (context) output.output = \`\${output.output ?? ""}\\n\${context}\`;
    },
    async "shell.env"({ sessionID }, output) {
      if (sessionID) output.env.AGENT_RELAY_SESSION = sessionID;
    },
    async event({ event }) {
      const sessionID = event.properties?.sessionID ?? event.properties?.info?.id;
      if (event.type === "session.deleted" && sessionID) await ask("SessionEnd", sessionID, directory);
      if (event.type !== "session.idle" || !begun.has(sessionID)) return;
      const { goOn } = await ask("Stop", sessionID, directory);
      if (goOn) await client.session.prompt({ path: { id: sessionID }, body: { parts: [{ type: "text", text: goOn }] } });
    },
  };
};
`;
}
