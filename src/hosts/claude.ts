import type { HookAnswer, HookCall, HookEvent, Payload } from "./hook.ts";
import type { Host } from "./host.ts";
import { flagOf, jsonLine, textOf } from "./payload.ts";
import { type Command, element, type HookCommand, SERVERS, type Setting, serverAt } from "./settings.ts";
import { toolUse } from "./tools.ts";

/** Claude Code (2.1.329; its own names for events, in PascalCase). */
export const claude: Host = {
  agent: "claude",
  process: {
    commands: ["claude"],
    packages: ["@anthropic-ai/claude-code"],
    sessionVariable: "CLAUDE_CODE_SESSION_ID",
    pidVariable: "CLAUDE_PID",
    markers: ["CLAUDECODE", "CLAUDE_CODE_SESSION_ID"],
    variables: "CLAUDE",
  },

  hasSteps: true,
  read(payload, given) {
    const session = textOf(payload, "session_id");
    const event = textOf(payload, "hook_event_name") ?? given ?? "";
    if (session === undefined) return undefined;
    const isSubagent = textOf(payload, "agent_id") !== undefined;
    return { session, cwd: textOf(payload, "cwd") ?? ".", event, moment: hookEventOf(event, payload), isSubagent };
  },
  write: claudeReply,
  silentExceptAt: [],
  bearsUnread: true,
  told: "CLAUDE_CODE_SESSION_ID",
  toldUnless: ["COPILOT_CLI", "CURSOR_VERSION", "GEMINI_CLI", "GEMINI_SESSION_ID"],
  wakesIf: { CLAUDE_CODE_ENTRYPOINT: "cli" },
  // It goes on at 127, as Cursor does, but Copilot runs its hooks as its own.
  guard: (event) => (event === "PreToolUse" ? "silent" : undefined),
  startsPrograms: true,

  programs: ["claude"],
  folders: [".claude"],
  projectFile: ".claude/settings.local.json",
  sharedFile: ".claude/settings.json",
  userFile: ".claude/settings.json",
  settings: (command) => asClaude(command, "Edit|MultiEdit|Write|NotebookEdit", ["PostToolBatch"], 5),
  // Exit code 2 of such a hook wakes an idle session (2.1.330). The hook ends with the session, or after a day.
  waking: (command) =>
    ["SessionStart", "Stop"].map((event) =>
      element(["hooks", event], {
        hooks: [{ type: "command", ...command("Wake"), timeout: 86_400, asyncRewake: true }],
      }),
    ),
  off: {
    projectFiles: [".claude/settings.local.json", ".claude/settings.json"],
    userFile: ".claude/settings.json",
    isOff: ({ disableAllHooks: isOff }) => (typeof isOff === "boolean" ? isOff : undefined),
  },
  asks: "Claude Code asks once whether you trust the folder",
  skills: ".claude/skills",
  hasStatusLine: true,
  mcp: {
    ...{ projectFile: ".mcp.json", path: SERVERS, entry: serverAt },
    typed: {
      ...{ when: "user", command: "claude mcp add --scope user agent-relay --" },
      ...{ undo: "claude mcp remove --scope user agent-relay", file: ".claude.json", mark: '"agent-relay":' },
    },
  },

  headless: (prompt) => ["claude", "-p", prompt],
  hasSocket: true,
  showsStructure: true,
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

/** A hook as Claude Code and Codex write it; `timeout` in seconds. */
function matched(event: string, command: HookCommand, timeout: number, matcher?: string): Setting {
  const hooks = [{ type: "command", ...command, timeout }];
  return element(["hooks", event], { ...(matcher === undefined ? {} : { matcher }), hooks });
}

/** The hooks of Claude Code and Codex. `edits`: editing tools, `steps`: events after one, `end`: s for SessionEnd. */
export function asClaude(command: Command, edits: string, steps: readonly string[], end: number): Setting[] {
  const tools = (event: string) => [
    matched(event, command(event, "edit"), 5, edits),
    matched(event, command(event, "shell"), 5, "Bash"),
  ];
  return [
    matched("SessionStart", command("SessionStart"), 10),
    matched("UserPromptSubmit", command("UserPromptSubmit"), 5),
    ...tools("PreToolUse"),
    ...tools("PostToolUse"),
    ...steps.map((event) => matched(event, command(event), 5)),
    matched("Stop", command("Stop"), 5),
    matched("SessionEnd", command("SessionEnd"), end),
  ];
}
