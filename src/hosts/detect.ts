/** A tool whose agents we know: how to recognise its process, and what it tells its children. */
export interface AgentHost {
  /** The `agent_id` of its sessions. */
  readonly agent: string;
  /** The names of its process. */
  readonly commands: readonly string[];
  /** Its package, when an interpreter runs it. */
  readonly packages: readonly string[];
  /** The variable that holds the session's id, where it sets one. */
  readonly sessionVariable?: string;
  /** The variable that holds the agent's own pid, where it sets one. */
  readonly pidVariable?: string;
  /** If any of these is in the environment, this host started us or one of our ancestors. */
  readonly markers: readonly string[];
}

export const AGENT_HOSTS: readonly AgentHost[] = [
  {
    agent: "claude",
    commands: ["claude"],
    packages: ["@anthropic-ai/claude-code"],
    sessionVariable: "CLAUDE_CODE_SESSION_ID",
    pidVariable: "CLAUDE_PID",
    markers: ["CLAUDECODE", "CLAUDE_CODE_SESSION_ID"],
  },
  {
    agent: "codex",
    commands: ["codex"],
    packages: ["@openai/codex"],
    sessionVariable: "CODEX_THREAD_ID",
    markers: ["CODEX_THREAD_ID"],
  },
  {
    agent: "gemini",
    commands: ["gemini"],
    packages: ["@google/gemini-cli"],
    sessionVariable: "GEMINI_SESSION_ID",
    markers: ["GEMINI_CLI", "GEMINI_SESSION_ID"],
  },
  { agent: "antigravity", commands: ["agy"], packages: [], markers: [] },
  { agent: "cursor", commands: ["cursor-agent"], packages: ["cursor-agent"], markers: ["CURSOR_AGENT"] },
  {
    agent: "copilot",
    commands: ["copilot"],
    packages: ["@github/copilot"],
    sessionVariable: "COPILOT_AGENT_SESSION_ID",
    markers: ["COPILOT_CLI", "COPILOT_AGENT_SESSION_ID"],
  },
  {
    agent: "opencode",
    commands: ["opencode"],
    packages: ["opencode-ai"],
    pidVariable: "OPENCODE_PID",
    markers: ["OPENCODE"],
  },
];

const INTERPRETERS = ["node", "bun", "deno", "python", "python3"];

/** The host that a process is, by its name and first arguments, or undefined. */
export function hostOf(name: string, args: readonly string[]): AgentHost | undefined {
  const command = baseName(args[0] ?? "");
  const script = INTERPRETERS.includes(command) ? scriptOf(args.slice(1)) : undefined;
  return AGENT_HOSTS.find(
    (host) =>
      host.commands.some(
        (own) => own === command || own === name || (script !== undefined && own === baseName(script)),
      ) || host.packages.some((own) => script?.replaceAll("\\", "/").includes(`/node_modules/${own}/`)),
  );
}

/** The host that a session id seems to name, as `claude-1` does. */
export function hostNamed(session: string): AgentHost | undefined {
  return AGENT_HOSTS.find(({ agent }) => session === agent || session.startsWith(`${agent}-`));
}

/** The first argument that is no option, unless an option before it holds the program itself. */
function scriptOf(args: readonly string[]): string | undefined {
  const first = args.find((word) => !word.startsWith("-") || /^(-[a-z]*[epcm]|--eval|--print)$/.test(word));
  return first?.startsWith("-") ? undefined : first;
}

function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1).replace(/\.(exe|c?js|mjs|py)$/, "");
}
