import type { HookEvent, HookHost, Payload } from "./hook.ts";
import { flagOf, jsonLine, textOf } from "./payload.ts";
import { toolUse } from "./tools.ts";

/**
 * Copilot CLI (1.0.102): an event with a camelCase name has a camelCase payload, one with a PascalCase name has
 * Claude's. The fields of both answers stand at the top level.
 */
export const copilot: HookHost = {
  agent: "copilot",
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
  write({ event }, { context, deny, goOn }) {
    if (deny !== undefined) return jsonLine({ permissionDecision: "deny", permissionDecisionReason: deny });
    if (goOn !== undefined) return jsonLine({ decision: "block", reason: goOn });
    return context === undefined ? copilot.nothing(event) : jsonLine({ additionalContext: context });
  },
  nothing: () => "{}\n",
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
