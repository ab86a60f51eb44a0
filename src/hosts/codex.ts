import { claude, claudeReply } from "./claude.ts";
import type { HookHost } from "./hook.ts";

const JSON_ONLY = ["Stop", "SubagentStop", "Interrupt"]; // the answer to these events has to be JSON

/** Codex CLI (0.169.0): Claude's events, without one for a step. An unknown key makes it reject the whole answer. */
export const codex: HookHost = {
  agent: "codex",
  hasSteps: false,
  read(payload, given) {
    return claude.read(payload, given);
  },
  write: (call, answer) => claudeReply(call, answer) || codex.nothing(call.event),
  nothing: (event = "") => (JSON_ONLY.includes(event) ? "{}\n" : ""),
};
