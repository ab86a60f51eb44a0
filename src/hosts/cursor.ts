import type { HookEvent, HookHost, Payload } from "./hook.ts";
import { jsonLine, textOf } from "./payload.ts";
import { toolUse } from "./tools.ts";

/** Cursor: a hook cannot speak at a prompt, so waiting mail is told after the first tool. */
export const cursor: HookHost = {
  agent: "cursor",
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
  write({ event }, { context, deny, goOn }) {
    if (deny !== undefined) return jsonLine({ permission: "deny", user_message: deny, agent_message: deny });
    if (goOn !== undefined) return jsonLine({ followup_message: goOn });
    return context === undefined ? cursor.nothing(event) : jsonLine({ additional_context: context });
  },
  nothing: () => "{}\n",
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
