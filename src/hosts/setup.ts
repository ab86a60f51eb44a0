import type { Command } from "./command-line.ts";
import { pluginFor } from "./opencode-plugin-file.ts";
import { fieldsOf, isOurs } from "./ours.ts";

/** Where a host keeps its hooks, and how it writes them. */
export interface HostSetup {
  readonly agent: string;
  /** Programs and folders (below the home folder) that say it is installed. */
  readonly programs: readonly string[];
  readonly folders: readonly string[];
  /** The file with its hooks, relative to the project, and to the home folder. */
  readonly projectFile: string;
  readonly userFile: string;
  /** The file in the project that a team commits, if `projectFile` is each one's own. */
  readonly sharedFile?: string;
  /** The text of the whole file, if that file is ours alone. */
  readonly text?: (code: string, words: readonly string[], wakes: boolean) => string;
  /** The settings that this file has to hold. */
  settings(command: Command): readonly Setting[];
  /** Further settings for it, if an idle agent is to be woken. */
  waking?(command: Command): readonly Setting[];
  /** Where it is told of MCP servers. */
  readonly mcp: McpSetup;
  /** Where hooks may be switched off. */
  readonly off?: OffSwitch;
  /** What its settings may have besides JSON; a file with anything else it drops whole. Default nothing. */
  readonly bears?: JsonDialect;
  /** What a person still has to do in that host. */
  readonly asks?: string;
}

export interface JsonDialect {
  readonly comments: boolean;
  readonly trailingCommas: boolean;
}

const JSONC: JsonDialect = { comments: true, trailingCommas: true };

/** Where a host keeps its MCP servers. Without a file of their own they stand in the file with the hooks. */
export interface McpSetup {
  readonly projectFile?: string;
  readonly userFile?: string;
  readonly path: readonly string[];
  /** The value at `path` that names our server. */
  entry(words: readonly string[]): unknown;
  /** The settings that the host itself adds to such a file. */
  readonly defaults?: readonly Setting[];
  /** What a person types instead, if we must not write the file. */
  readonly typed?: TypedCommand;
}

export interface TypedCommand {
  readonly when: "always" | "user";
  readonly command: string;
  readonly undo: string;
  /** The file below the home folder that `command` writes, and a text that it then holds. */
  readonly file: string;
  readonly mark: string;
}

const serverAt = (words: readonly string[]) => ({ command: words[0], args: words.slice(1) });
const SERVERS = ["mcpServers", "agent-relay"];

/** A host's file of MCP servers, set up as if it were its file of hooks; undefined if there is none that we write. */
export function mcpFile(host: HostSetup, words: readonly string[], isUser: boolean): HostSetup | undefined {
  const { mcp } = host;
  const file = isUser ? mcp.userFile : mcp.projectFile;
  if (file === undefined) return undefined;
  const { agent, programs, folders, bears } = host;
  const settings = () => [...(mcp.defaults ?? []), { path: mcp.path, value: mcp.entry(words) }];
  return { agent, programs, folders, projectFile: file, userFile: file, settings, mcp, ...(bears && { bears }) };
}

/** The files that may switch all hooks of a host off. The first file in which `isOff` is not undefined decides. */
export interface OffSwitch {
  readonly projectFiles: readonly string[];
  readonly userFile: string;
  isOff(settings: Readonly<Record<string, unknown>>): boolean | undefined;
}

const element = (path: readonly string[], value: unknown): Setting => ({ path, value, isElement: true });

/** A hook as Claude Code and Codex write it; `timeout` in seconds. */
function matched(event: string, command: string, timeout: number, matcher?: string): Setting {
  const hooks = [{ type: "command", command, timeout }];
  return element(["hooks", event], { ...(matcher === undefined ? {} : { matcher }), hooks });
}

/** The hooks of Claude Code and Codex. `edits`: editing tools, `steps`: events after one, `end`: s for SessionEnd. */
function asClaude(command: Command, edits: string, steps: readonly string[], end: number): Setting[] {
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

const claude: HostSetup = {
  agent: "claude",
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
        hooks: [{ type: "command", command: command("Wake"), timeout: 86_400, asyncRewake: true }],
      }),
    ),
  off: {
    projectFiles: [".claude/settings.local.json", ".claude/settings.json"],
    userFile: ".claude/settings.json",
    isOff: ({ disableAllHooks: isOff }) => (typeof isOff === "boolean" ? isOff : undefined),
  },
  asks: "Claude Code asks once whether you trust the folder",
  mcp: {
    ...{ projectFile: ".mcp.json", path: SERVERS, entry: serverAt },
    typed: {
      ...{ when: "user", command: "claude mcp add --scope user agent-relay --" },
      ...{ undo: "claude mcp remove --scope user agent-relay", file: ".claude.json", mark: '"agent-relay":' },
    },
  },
};

const codex: HostSetup = {
  agent: "codex",
  programs: ["codex"],
  folders: [".codex"],
  projectFile: ".codex/hooks.json",
  userFile: ".codex/hooks.json",
  settings: (command) => asClaude(command, "apply_patch", [], 3), // Codex waits no longer at a session's end
  asks: "Codex runs a hook only after you have trusted it: type /hooks in it",
  // Codex keeps its MCP servers in TOML, which its own command writes.
  mcp: {
    ...{ path: SERVERS, entry: serverAt },
    typed: {
      ...{ when: "always", command: "codex mcp add agent-relay --", undo: "codex mcp remove agent-relay" },
      ...{ file: ".codex/config.toml", mark: "[mcp_servers.agent-relay]" },
    },
  },
};

const gemini: HostSetup = {
  agent: "gemini",
  programs: ["gemini"],
  folders: [".gemini"],
  projectFile: ".gemini/settings.json",
  userFile: ".gemini/settings.json",
  settings(command) {
    const hook = (event: string, ms: number, tool?: "edit" | "shell", matcher?: string): Setting =>
      element(["hooks", event], {
        ...(matcher === undefined ? {} : { matcher }),
        hooks: [{ name: "agent-relay", type: "command", command: command(event, tool), timeout: ms }],
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
  mcp: { path: SERVERS, entry: serverAt },
};

const antigravity: HostSetup = {
  agent: "antigravity",
  programs: ["agy"],
  folders: [".gemini/antigravity-cli"],
  projectFile: ".agents/hooks.json",
  userFile: ".gemini/config/hooks.json",
  settings: (command) => [
    {
      path: ["agent-relay"],
      value: {
        enabled: true,
        ...Object.fromEntries(
          ["SessionStart", "PreInvocation", "Stop"].map((event) => [
            event,
            [{ type: "command", command: command(event), timeout: 10 }],
          ]),
        ),
      },
    },
  ],
  mcp: {
    ...{ projectFile: ".agents/mcp_config.json", userFile: ".gemini/config/mcp_config.json" },
    ...{ path: SERVERS, entry: serverAt },
  },
};

const cursor: HostSetup = {
  agent: "cursor",
  programs: ["cursor", "cursor-agent"],
  folders: [".cursor"],
  projectFile: ".cursor/hooks.json",
  userFile: ".cursor/hooks.json",
  settings(command) {
    const hook = (event: string, more: Readonly<Record<string, unknown>> = {}) =>
      element(["hooks", event], { command: command(event), timeout: 5, ...more });
    return [
      { path: ["version"], value: 1, isDefault: true },
      hook("sessionStart"),
      hook("preToolUse"),
      hook("postToolUse"),
      hook("stop", { loop_limit: 5 }),
      hook("sessionEnd"),
    ];
  },
  mcp: { projectFile: ".cursor/mcp.json", userFile: ".cursor/mcp.json", path: SERVERS, entry: serverAt },
};

const copilot: HostSetup = {
  agent: "copilot",
  programs: ["copilot"],
  folders: [".copilot"],
  projectFile: ".github/hooks/agent-relay.json",
  userFile: ".copilot/hooks/agent-relay.json",
  settings(command) {
    const hook = (event: string) =>
      element(["hooks", event], { type: "command", command: command(event), timeoutSec: 10 });
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
  mcp: {
    ...{ projectFile: ".github/mcp.json", userFile: ".copilot/mcp-config.json", path: SERVERS },
    entry: (words) => ({ type: "local", ...serverAt(words), tools: ["*"] }),
  },
};

const opencode: HostSetup = {
  agent: "opencode",
  programs: ["opencode"],
  folders: [".config/opencode"],
  projectFile: ".opencode/plugins/agent-relay.js",
  userFile: ".config/opencode/plugins/agent-relay.js",
  text: pluginFor,
  bears: JSONC,
  settings: () => [],
  mcp: {
    ...{ projectFile: "opencode.json", userFile: ".config/opencode/opencode.json", path: ["mcp", "agent-relay"] },
    entry: (words) => ({ type: "local", command: words, enabled: true }),
    // Else OpenCode adds this at its start (1.18.33), and after a removal the file that we made stays, with just this.
    defaults: [{ path: ["$schema"], value: "https://opencode.ai/config.json", isDefault: true }],
  },
};

export const HOST_SETUPS: readonly HostSetup[] = [claude, codex, gemini, antigravity, cursor, copilot, opencode];

/** A value in a settings file: where it stands, and what it is. */
export interface Setting {
  readonly path: readonly string[];
  readonly value: unknown;
  /** The value is one more element of the list at `path`. */
  readonly isElement?: boolean;
  /** Any value that stands there already is as good. */
  readonly isDefault?: boolean;
}
