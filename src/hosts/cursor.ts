import type { HookEvent, Payload } from "./hook.ts";
import type { Host } from "./host.ts";
import { has, jsonLine, textOf } from "./payload.ts";
import { element, SERVERS, serverAt } from "./settings.ts";
import { toolUse } from "./tools.ts";

/** Cursor: a hook cannot speak at a prompt, so waiting mail is told after the first tool. */
export const cursor: Host = {
  agent: "cursor",
  process: {
    commands: ["cursor-agent"],
    packages: ["cursor-agent"],
    markers: ["CURSOR_AGENT"],
    variables: "CURSOR_",
  },

  isCalling: (payload) => has(payload, "cursor_version") || has(payload, "conversation_id", "generation_id"),
  hasSteps: false,
  read(payload, given) {
    const session = textOf(payload, "conversation_id", "session_id");
    const event = textOf(payload, "hook_event_name") ?? given ?? "";
    if (session === undefined) return undefined;
    const { workspace_roots: roots } = payload;
    const [root] = Array.isArray(roots) ? roots : [];
    const cwd = textOf(payload, "cwd") ?? (typeof root === "string" ? root : ".");
    return { session, cwd, event, moment: hookEventOf(event, payload), isSubagent: false };
  },
  write(_, { context, deny, goOn }) {
    if (deny !== undefined) return jsonLine({ permission: "deny", user_message: deny, agent_message: deny });
    if (goOn !== undefined) return jsonLine({ followup_message: goOn });
    return context === undefined ? "" : jsonLine({ additional_context: context });
  },
  sample: (session, event, folder) => ({
    ...{ conversation_id: session, generation_id: "1", hook_event_name: event, workspace_roots: [folder] },
  }),
  saysFolder: true,

  programs: ["cursor", "cursor-agent"],
  folders: [".cursor"],
  projectFile: ".cursor/hooks.json",
  userFile: ".cursor/hooks.json",
  settings(command) {
    const hook = (event: string, more: Readonly<Record<string, unknown>> = {}) =>
      element(["hooks", event], { ...command(event), timeout: 5, ...more });
    return [
      { path: ["version"], value: 1, isDefault: true },
      hook("sessionStart"),
      hook("preToolUse"),
      hook("postToolUse"),
      hook("stop", { loop_limit: 5 }),
      hook("sessionEnd"),
    ];
  },
  skills: ".agents/skills",
  mcp: { projectFile: ".cursor/mcp.json", userFile: ".cursor/mcp.json", path: SERVERS, entry: serverAt },

  headless: (prompt) => ["cursor-agent", "-p", prompt],
};

function hookEventOf(event: string, payload: Payload): HookEvent {
  const tool = () => toolUse(textOf(payload, "tool_name") ?? "", payload.tool_input);
  switch (event) {
    case "sessionStart":
      return { at: "start" };
    case "preToolUse":
      return { at: "before", tool: tool() };
    case "beforeShellExecution":
      return { at: "before", tool: toolUse("shell", payload) };
    case "postToolUse":
      return { at: "after", tool: tool() };
    case "stop":
      return { at: "stop", wasHeld: typeof payload.loop_count === "number" ? payload.loop_count > 0 : undefined };
    case "sessionEnd":
      return { at: "end" };
    default:
      return { at: "other" };
  }
}
