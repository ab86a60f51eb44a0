import type { HookEvent, HookHost, Payload } from "./hook.ts";
import { flagOf, jsonLine, textOf } from "./payload.ts";
import { toolUse } from "./tools.ts";

/** Gemini CLI (0.61.0): it shows plain text to the person, so every answer is JSON. */
export const gemini: HookHost = {
  agent: "gemini",
  hasSteps: false,
  read(payload, given) {
    const session = textOf(payload, "session_id");
    const event = textOf(payload, "hook_event_name") ?? given ?? "";
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
    if (deny !== undefined) return jsonLine({ decision: "deny", reason: deny });
    if (goOn !== undefined) return jsonLine({ decision: "deny", reason: goOn });
    if (context === undefined) return gemini.nothing(event);
    return jsonLine({ hookSpecificOutput: { hookEventName: event, additionalContext: context } });
  },
  nothing: () => "{}\n",
};

// PreCompress comes before every request to the model, so it says nothing of a compaction.
function hookEventOf(event: string, payload: Payload): HookEvent {
  const tool = () => toolUse(textOf(payload, "tool_name") ?? "", payload.tool_input);
  switch (event) {
    case "SessionStart":
      return { at: "start" };
    case "BeforeAgent":
      return { at: "prompt" };
    case "BeforeTool":
      return { at: "before", tool: tool() };
    case "AfterTool":
      return { at: "after", tool: tool() };
    case "AfterAgent":
      return { at: "stop", wasHeld: flagOf(payload, "stop_hook_active") };
    case "SessionEnd":
      return { at: "end" };
    default:
      return { at: "other" };
  }
}
