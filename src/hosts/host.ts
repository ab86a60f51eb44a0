import type { HookDialect } from "./hook.ts";
import type { HostSetup } from "./settings.ts";

/** How to recognise a host's process, and what it tells its children. Plain data: every run of the command has it at hand. */
export interface HostProcess {
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
  /** How the names of all its variables begin. */
  readonly variables?: string;
}

/** A coding agent's program, all that we know of it: a file of this folder, and a line of `hosts.ts`. */
export interface Host extends HookDialect, HostSetup {
  readonly agent: string;
  readonly process: Omit<HostProcess, "agent">;
  /** The command for its mode without a terminal, with permission prompts on. */
  headless(prompt: string): readonly string[];
  /** The command that tells an idle session something, where the host has one. */
  tell?(session: string, words: string): readonly string[];
  /** It takes messages at a socket, as Claude Code does: `claude-socket.ts`. */
  readonly hasSocket?: boolean;
  /**
   * It shows a tool's structured content to the model, so it gets the text alone: Claude Code (2.1.330) and Codex
   * (0.169.0) in place of the text, Copilot CLI (1.0.102) besides, where that costs three times as much as the text.
   */
  readonly showsStructure?: boolean;
  /** Its calls of MCP tools name the session they are for. */
  readonly namesSession?: boolean;
}
