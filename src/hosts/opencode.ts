import { claude } from "./claude.ts";
import type { HookHost } from "./hook.ts";
import { jsonLine } from "./payload.ts";

/** OpenCode has plugins and no hooks: our plugin sends us Claude's events, and takes our answer as it is. */
export const opencode: HookHost = {
  agent: "opencode",
  hasSteps: false,
  read(payload, given) {
    return claude.read(payload, given);
  },
  write(_, answer) {
    return jsonLine(answer);
  },
  nothing() {
    return "{}\n";
  },
};
