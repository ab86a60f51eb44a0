import { asClaude, claude, claudeReply } from "./claude.ts";
import type { Host } from "./host.ts";
import { textOf } from "./payload.ts";
import { SERVERS, serverAt } from "./settings.ts";

/** Codex CLI (0.169.0): Claude's events, without one for a step. An unknown key makes it reject the whole answer. */
export const codex: Host = {
  agent: "codex",
  process: {
    commands: ["codex"],
    packages: ["@openai/codex"],
    sessionVariable: "CODEX_THREAD_ID",
    markers: ["CODEX_THREAD_ID"],
    variables: "CODEX_",
  },

  isCalling: (payload) =>
    !("timestamp" in payload) &&
    ("turn_id" in payload || /[/\\]\.codex[/\\]/.test(textOf(payload, "transcript_path") ?? "")),
  hasSteps: false,
  read(payload, given) {
    return claude.read(payload, given);
  },
  write: claudeReply,
  silentExceptAt: ["Stop", "SubagentStop", "Interrupt"], // the answer to these events has to be JSON
  bearsUnread: true,
  guard: (event) => (event === "Wake" ? undefined : "silent"), // it says "hook: Stop Failed" each time

  programs: ["codex"],
  folders: [".codex"],
  projectFile: ".codex/hooks.json",
  userFile: ".codex/hooks.json",
  settings: (command) => asClaude(command, "apply_patch", [], 3), // Codex waits no longer at a session's end
  asks: "Codex runs a hook only after you have trusted it: type /hooks in it",
  // Codex keeps its MCP servers in TOML, which its own command writes.
  skills: ".agents/skills",
  mcp: {
    ...{ path: SERVERS, entry: serverAt },
    typed: {
      ...{ when: "always", command: "codex mcp add agent-relay --", undo: "codex mcp remove agent-relay" },
      ...{ file: ".codex/config.toml", mark: "[mcp_servers.agent-relay]" },
    },
  },

  headless: (prompt) => ["codex", "exec", prompt],
  tell: (session, words) => ["codex", "queue", "--thread", session, "--message", words],
  showsStructure: true,
  namesSession: true,
};
