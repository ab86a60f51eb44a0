import type { Answer } from "./dialects.ts";
import { STUB_URL } from "./namespace.ts";
import { acp, appServer, streamed, type Talk } from "./talk.ts";

/** A host, and what makes it run with neither a person nor a network. None of it is about hooks: those are setup's. */
export interface RealHost {
  readonly name: string;
  /** Another host, whose settings it takes for its own: the only ones that are set up. */
  readonly takes?: string;
  /** What is installed: the versions that src/hosts was written for. */
  readonly spec: string;
  /** Settings in the home folder: where the model is. */
  settings(project: string): Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  /** A prompt in a new session, and a further one in the same. */
  first(prompt: string): readonly string[];
  again(prompt: string): readonly string[];
  /** Both in one process, as a program that embeds the host has it. */
  readonly talk: Talk;
  /** What the model says to run a command, to read a file, where it must have read what it edits, and to edit it. */
  shell(command: string): Answer;
  read?(file: string): Answer;
  edit(file: string, before: string, after: string): Answer;
  /** The same for a tool of the MCP server `agent-relay`. */
  mcp(tool: string, input: Readonly<Record<string, unknown>>): Answer;
  /** Whether the model is shown what a server says of itself. */
  readonly instructs: boolean;
  /** Whether a server is told for which session it is called: by a variable, or in the call. */
  readonly namesSession: boolean;
  /** How often a request has what holds the end of a turn. */
  readonly holds: number;
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

const claude: RealHost = {
  name: "claude",
  spec: "@anthropic-ai/claude-code@2.1.330",
  settings: () => ({}),
  env: {
    ANTHROPIC_BASE_URL: STUB_URL,
    ANTHROPIC_API_KEY: "sk-ant-none",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_AUTOUPDATER: "1",
    IS_SANDBOX: "1", // else it refuses to run unasked as root
  },
  first: (prompt) => ["-p", prompt, "--permission-mode", "bypassPermissions"],
  again: (prompt) => [...claude.first(prompt), "--continue"],
  talk: streamed([
    ...["-p", "--verbose", "--permission-mode", "bypassPermissions"],
    ...["--input-format", "stream-json", "--output-format", "stream-json"],
  ]),
  shell: (command) => ({ tool: "Bash", input: { command, description: "waits" } }),
  read: (file) => ({ tool: "Read", input: { file_path: file } }),
  edit: (file, before, after) => ({
    tool: "Edit",
    input: { file_path: file, old_string: before, new_string: after },
  }),
  mcp: (tool, input) => ({ tool: `mcp__agent-relay__${tool}`, input }),
  instructs: true,
  namesSession: true, // CLAUDE_CODE_SESSION_ID, which it sets for each server
  holds: 2, // as feedback and as an error
};

const codex: RealHost = {
  name: "codex",
  spec: "@openai/codex@0.169.0",
  settings: (project) => ({
    ".codex/config.toml": [
      'model = "gpt-5.5"',
      'model_provider = "stub"',
      "[model_providers.stub]",
      'name = "stub"',
      `base_url = "${STUB_URL}/v1"`,
      'wire_api = "responses"',
      'env_key = "STUB_KEY"',
      "request_max_retries = 0",
      "stream_max_retries = 0",
      `[projects.${JSON.stringify(project)}]`,
      'trust_level = "trusted"',
      "",
    ].join("\n"),
  }),
  env: { STUB_KEY: "none" },
  // Its hooks run once they are trusted. Here it is told to do without; where it is talked to, they are trusted as with /hooks.
  first: (prompt) => ["exec", "--dangerously-bypass-approvals-and-sandbox", "--dangerously-bypass-hook-trust", prompt],
  again: (prompt) => [...codex.first("resume"), "--last", prompt],
  talk: appServer(["app-server"]),
  shell: (command) => ({ tool: "exec_command", input: { cmd: command } }),
  edit: (file, before, after) => ({
    tool: "apply_patch",
    text: `*** Begin Patch\n*** Update File: ${file}\n@@\n-${before}\n+${after}\n*** End Patch`,
  }),
  mcp: (tool, input) => ({ tool, space: "mcp__agent_relay", input }),
  instructs: true,
  namesSession: true, // in _meta of each call
  holds: 1,
};

const gemini: RealHost = {
  name: "gemini",
  spec: "@google/gemini-cli@0.61.0",
  settings: () => ({
    ".gemini/settings.json": json({
      security: { auth: { selectedType: "gemini-api-key" } },
      privacy: { usageStatisticsEnabled: false },
      general: { disableAutoUpdate: true, disableUpdateNag: true },
    }),
  }),
  env: {
    GEMINI_API_KEY: "none",
    GOOGLE_GEMINI_BASE_URL: STUB_URL,
    GEMINI_SANDBOX: "false",
    GEMINI_CLI_TRUST_WORKSPACE: "true",
  },
  first: (prompt) => ["-p", prompt, "--yolo", "-m", "gemini-2.5-flash"],
  again: (prompt) => [...gemini.first(prompt), "--resume", "latest"],
  talk: acp(["--acp", "--yolo", "-m", "gemini-2.5-flash"]),
  shell: (command) => ({ tool: "run_shell_command", input: { command, description: "waits" } }),
  edit: (file, before, after) => ({
    tool: "replace",
    input: { file_path: file, instruction: "changes it", old_string: before, new_string: after },
  }),
  mcp: (tool, input) => ({ tool: `mcp_agent-relay_${tool}`, input }),
  instructs: true,
  namesSession: false,
  holds: 1,
};

const copilot: RealHost = {
  name: "copilot",
  spec: "@github/copilot@1.0.102",
  settings: (project) => ({ ".copilot/config.json": json({ trusted_folders: [project] }) }),
  env: {
    COPILOT_PROVIDER_BASE_URL: `${STUB_URL}/v1`,
    COPILOT_PROVIDER_TYPE: "openai",
    COPILOT_PROVIDER_API_KEY: "none",
    COPILOT_MODEL: "stub",
    COPILOT_OFFLINE: "true",
    COPILOT_AUTO_UPDATE: "false",
  },
  first: (prompt) => ["-p", prompt, "--allow-all-tools", "--allow-all-paths", "--no-color"],
  again: (prompt) => [...copilot.first(prompt), "--continue"],
  talk: acp(["--acp", "--allow-all-tools", "--allow-all-paths"]),
  shell: (command) => ({ tool: "bash", input: { command, description: "waits" } }),
  edit: (file, before, after) => ({ tool: "edit", input: { path: file, old_str: before, new_str: after } }),
  mcp: (tool, input) => ({ tool: `agent-relay-${tool}`, input }),
  instructs: false, // unless --allow-all-mcp-server-instructions is given
  namesSession: true, // COPILOT_AGENT_SESSION_ID
  holds: 1,
};

const opencode: RealHost = {
  name: "opencode",
  spec: "opencode-ai@1.18.33",
  settings: () => ({
    ".config/opencode/opencode.json": json({
      model: "stub/stub",
      small_model: "stub/stub",
      autoupdate: false,
      share: "disabled",
      permission: "allow",
      provider: {
        stub: {
          npm: "@ai-sdk/openai-compatible",
          name: "stub",
          options: { baseURL: `${STUB_URL}/v1`, apiKey: "none" },
          models: { stub: { name: "stub", tool_call: true, limit: { context: 100_000, output: 4000 } } },
        },
      },
    }),
  }),
  env: {
    npm_config_registry: STUB_URL, // it installs its plugins' library at each start; this answers, so that it gives up
    npm_config_fetch_retries: "0",
    OPENCODE_DISABLE_AUTOUPDATE: "1",
    OPENCODE_DISABLE_MODELS_FETCH: "1",
    OPENCODE_DISABLE_LSP_DOWNLOAD: "1",
    OPENCODE_DISABLE_DEFAULT_PLUGINS: "1",
  },
  first: (prompt) => ["run", "-m", "stub/stub", prompt],
  again: (prompt) => ["run", "-m", "stub/stub", "--continue", prompt],
  talk: acp(["acp"]),
  shell: (command) => ({ tool: "bash", input: { command, description: "waits" } }),
  read: (file) => ({ tool: "read", input: { filePath: file } }),
  edit: (file, before, after) => ({
    tool: "edit",
    input: { filePath: file, oldString: before, newString: after },
  }),
  mcp: (tool, input) => ({ tool: `agent-relay_${tool}`, input }),
  instructs: true,
  namesSession: false,
  holds: 1,
};

export const REAL_HOSTS: readonly RealHost[] = [claude, codex, gemini, copilot, opencode];

/** They start programs in their own way: Claude Code without a shell, Copilot CLI with one. */
export const ON_CLAUDE_SETTINGS: readonly RealHost[] = [claude, { ...copilot, takes: "claude" }];
