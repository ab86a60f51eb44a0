import type { HookEvent, Payload } from "./hook.ts";
import type { Host } from "./host.ts";
import { fieldsOf, isOurs } from "./ours.ts";
import { flagOf, has, jsonLine, textOf } from "./payload.ts";
import { element, SERVERS, type Setting, serverAt } from "./settings.ts";
import { toolUse } from "./tools.ts";

const GEMINI_EVENTS = ["BeforeAgent", "AfterAgent", "BeforeTool", "AfterTool", "PreCompress"];

/** Gemini CLI (0.61.0): it shows plain text to the person, so every answer is JSON. */
export const gemini: Host = {
  agent: "gemini",
  process: {
    commands: ["gemini"],
    packages: ["@google/gemini-cli"],
    sessionVariable: "GEMINI_SESSION_ID",
    markers: ["GEMINI_CLI", "GEMINI_SESSION_ID"],
    variables: "GEMINI_",
  },

  // A host started under another inherits the variables that the other sets for its hooks, except Gemini's.
  isCalling(payload, { GEMINI_SESSION_ID: told }) {
    const isStamped = has(payload, "session_id", "timestamp");
    return (
      GEMINI_EVENTS.includes(textOf(payload, "hook_event_name") ?? "") ||
      (isStamped && !has(payload, "initial_prompt") && Boolean(told))
    );
  },
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
    if (context === undefined) return "";
    return jsonLine({ hookSpecificOutput: { hookEventName: event, additionalContext: context } });
  },
  bearsUnread: true,
  told: "GEMINI_SESSION_ID",
  guard: () => "empty", // any code above 1 with a text denies the tool or the prompt; at the end it goes on forever

  programs: ["gemini"],
  folders: [".gemini"],
  projectFile: ".gemini/settings.json",
  userFile: ".gemini/settings.json",
  settings(command) {
    const hook = (event: string, ms: number, tool?: "edit" | "shell", matcher?: string): Setting =>
      element(["hooks", event], {
        ...(matcher === undefined ? {} : { matcher }),
        hooks: [{ name: "agent-relay", type: "command", ...command(event, tool), timeout: ms }],
      });
    const [edit, shell] = ["^(write_file|replace)$", "^run_shell_command$"];
    return [
      hook("SessionStart", 10_000),
      hook("BeforeAgent", 5000),
      hook("BeforeTool", 5000, "edit", edit),
      hook("BeforeTool", 5000, "shell", shell),
      hook("AfterTool", 5000, "edit", edit),
      hook("AfterTool", 5000, "shell", shell),
      hook("AfterTool", 5000, undefined, "^(?!(write_file|replace|run_shell_command)$)"),
      hook("AfterAgent", 5000),
      hook("SessionEnd", 5000),
    ];
  },
  off: {
    projectFiles: [".gemini/settings.json"],
    userFile: ".gemini/settings.json",
    isOff({ hooksConfig }) {
      const { enabled, disabled } = fieldsOf(hooksConfig);
      const isOurHook = (name: unknown) => name === "agent-relay" || isOurs({ command: name });
      if (Array.isArray(disabled) && disabled.some(isOurHook)) return true;
      return typeof enabled === "boolean" ? !enabled : undefined;
    },
  },
  bears: { comments: true, trailingCommas: false },
  asks: "Gemini CLI runs a project's hooks only in a folder that you trust",
  skills: ".agents/skills",
  mcp: { path: SERVERS, entry: serverAt },

  headless: (prompt) => ["gemini", "-p", prompt],
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
