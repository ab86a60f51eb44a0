import type { HookEvent, Payload } from "./hook.ts";
import type { Host } from "./host.ts";
import { flagOf, has, jsonLine, textOf } from "./payload.ts";
import { element, SERVERS, serverAt } from "./settings.ts";
import { toolUse } from "./tools.ts";

/**
 * Copilot CLI (1.0.102): an event with a camelCase name has a camelCase payload, one with a PascalCase name has
 * Claude's. The fields of both answers stand at the top level.
 */
export const copilot: Host = {
  agent: "copilot",
  process: {
    commands: ["copilot"],
    packages: ["@github/copilot"],
    sessionVariable: "COPILOT_AGENT_SESSION_ID",
    markers: ["COPILOT_CLI", "COPILOT_AGENT_SESSION_ID"],
    variables: "COPILOT_",
  },

  isCalling: (payload, { COPILOT_CLI: isCopilot }) =>
    has(payload, "sessionId") ||
    (has(payload, "session_id", "timestamp") && (has(payload, "initial_prompt") || Boolean(isCopilot))),
  hasSteps: false,
  read(payload, given) {
    const session = textOf(payload, "sessionId", "session_id");
    const event = textOf(payload, "hook_event_name", "hookEventName") ?? given ?? "";
    if (session === undefined) return undefined;
    return {
      session,
      cwd: textOf(payload, "cwd") ?? ".",
      event,
      moment: hookEventOf(event, payload),
      isSubagent: false,
    };
  },
  write(_, { context, deny, goOn }) {
    if (deny !== undefined) return jsonLine({ permissionDecision: "deny", permissionDecisionReason: deny });
    if (goOn !== undefined) return jsonLine({ decision: "block", reason: goOn });
    return context === undefined ? "" : jsonLine({ additionalContext: context });
  },
  sample: (session, _, folder) => ({ sessionId: session, cwd: folder, timestamp: 1 }),
  bearsUnread: true,
  guard: () => "empty", // any code but 0 before a tool denies the tool

  programs: ["copilot"],
  folders: [".copilot"],
  projectFile: ".github/hooks/agent-relay.json",
  userFile: ".copilot/hooks/agent-relay.json",
  settings(command) {
    const hook = (event: string) => element(["hooks", event], { type: "command", ...command(event), timeoutSec: 10 });
    return [
      { path: ["version"], value: 1, isDefault: true },
      hook("sessionStart"),
      hook("userPromptSubmitted"),
      hook("preToolUse"),
      hook("postToolUse"),
      hook("agentStop"),
      hook("sessionEnd"),
    ];
  },
  asks: "Copilot CLI runs a project's hooks only in a folder that you trust",
  skills: ".agents/skills",
  mcp: {
    ...{ projectFile: ".github/mcp.json", userFile: ".copilot/mcp-config.json", path: SERVERS },
    entry: (words) => ({ type: "local", ...serverAt(words), tools: ["*"] }),
  },

  headless: (prompt) => ["copilot", "-p", prompt],
  showsStructure: true,
};

function hookEventOf(event: string, payload: Payload): HookEvent {
  const tool = () => toolUse(textOf(payload, "toolName", "tool_name") ?? "", payload.toolArgs ?? payload.tool_input);
  switch (event.charAt(0).toLowerCase() + event.slice(1)) {
    case "sessionStart":
      return { at: "start" };
    case "userPromptSubmitted":
    case "userPromptSubmit":
      return { at: "prompt" };
    case "preToolUse":
      return { at: "before", tool: tool() };
    case "postToolUse":
      return { at: "after", tool: tool() };
    case "agentStop":
    case "stop":
      return { at: "stop", wasHeld: flagOf(payload, "stop_hook_active") };
    case "sessionEnd": // "complete" comes after each prompt, even where an editor keeps one process for many
      return { at: payload.reason === "complete" ? "pause" : "end" };
    default:
      return { at: "other" };
  }
}
