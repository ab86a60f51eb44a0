import { claude, claudeReply } from "./claude.ts";
import type { HookHost } from "./hook.ts";

const JSON_ONLY = ["Stop", "SubagentStop", "Interrupt"]; // what answers these has to be JSON

/** Codex CLI (0.169.0): Claude's events; an unknown key rejects the whole answer. It has no event for a step: tools are. */
export const codex: HookHost = {
  agent: "codex",
  hasSteps: false,
  read(payload, given) {
    return claude.read(payload, given);
  },
  write: (call, answer) => claudeReply(call, answer) || codex.nothing(call.event),
  nothing: (event = "") => (JSON_ONLY.includes(event) ? "{}\n" : ""),
};
