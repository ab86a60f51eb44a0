import { antigravity } from "./antigravity.ts";
import { claude } from "./claude.ts";
import { codex } from "./codex.ts";
import { copilot } from "./copilot.ts";
import { cursor } from "./cursor.ts";
import { gemini } from "./gemini.ts";
import type { HookHost, Payload } from "./hook.ts";
import { opencode } from "./opencode.ts";
import { textOf } from "./payload.ts";

export const HOOK_HOSTS: readonly HookHost[] = [claude, codex, gemini, antigravity, cursor, copilot, opencode];

const GEMINI_EVENTS = ["BeforeAgent", "AfterAgent", "BeforeTool", "AfterTool", "PreCompress"];

/**
 * The host that really calls. Some hosts run the hooks that are set up for another, so the payload beats the command
 * line (`named`). A variable counts only beside a payload that fits its host. Claude Code if nothing tells.
 */
export function hostCalling(
  named: string | undefined,
  payload: Payload,
  env: Readonly<Record<string, string | undefined>>,
): HookHost {
  if (named === opencode.agent) return opencode; // our own plugin
  const has = (...names: readonly string[]) => names.every((name) => name in payload);
  const event = textOf(payload, "hook_event_name") ?? "";
  if (has("cursor_version") || has("conversation_id", "generation_id")) return cursor;
  if (has("conversationId", "workspacePaths")) return antigravity;
  if (has("sessionId")) return copilot;
  // A host started under another inherits the variables that the other sets for its hooks, except Gemini's.
  const isStamped = has("session_id", "timestamp");
  const isGemini = isStamped && !has("initial_prompt") && env.GEMINI_SESSION_ID;
  if (GEMINI_EVENTS.includes(event) || isGemini) return gemini;
  if (isStamped && (has("initial_prompt") || env.COPILOT_CLI)) return copilot;
  if (has("turn_id") || /[/\\]\.codex[/\\]/.test(textOf(payload, "transcript_path") ?? "")) return codex;
  return HOOK_HOSTS.find(({ agent }) => agent === named) ?? claude;
}
