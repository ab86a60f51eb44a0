import type { HookAnswer, HookCall, HookEvent, HookHost, Payload } from "./hook.ts";
import { flagOf, jsonLine, textOf } from "./payload.ts";
import { toolUse } from "./tools.ts";

/** Claude Code (2.1.329; its own names for events, in PascalCase). */
export const claude: HookHost = {
  agent: "claude",
  hasSteps: true,
  read(payload, given) {
    const session = textOf(payload, "session_id");
    const event = textOf(payload, "hook_event_name") ?? given ?? "";
    if (session === undefined) return undefined;
    const isSubagent = textOf(payload, "agent_id") !== undefined;
    return { session, cwd: textOf(payload, "cwd") ?? ".", event, moment: hookEventOf(event, payload), isSubagent };
  },
  write: claudeReply,
  nothing: () => "",
};

/** An answer as Claude Code and Codex take it; empty if there is nothing to say. */
export function claudeReply({ event }: HookCall, { context, deny, goOn }: HookAnswer): string {
  const own = { hookEventName: event };
  if (deny !== undefined)
    return jsonLine({ hookSpecificOutput: { ...own, permissionDecision: "deny", permissionDecisionReason: deny } });
  if (goOn !== undefined) return jsonLine({ decision: "block", reason: goOn });
  return context === undefined ? "" : jsonLine({ hookSpecificOutput: { ...own, additionalContext: context } });
}

function hookEventOf(event: string, payload: Payload): HookEvent {
  const tool = () => toolUse(textOf(payload, "tool_name") ?? "", payload.tool_input);
  switch (event) {
    case "SessionStart":
      return { at: "start" };
    case "UserPromptSubmit":
      return { at: "prompt" };
    case "PreToolUse":
      return { at: "before", tool: tool() };
    case "PostToolUse":
      return { at: "after", tool: tool() };
    case "PostToolBatch":
      return { at: "step" };
    case "Stop":
      return { at: "stop", wasHeld: flagOf(payload, "stop_hook_active") };
    case "SessionEnd":
      return { at: "end" };
    default:
      return { at: "other" };
  }
}
