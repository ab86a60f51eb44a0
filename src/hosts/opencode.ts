import { claude } from "./claude.ts";
import type { Host } from "./host.ts";
import { pluginFor } from "./opencode-plugin-file.ts";
import { jsonLine } from "./payload.ts";
import type { JsonDialect } from "./settings.ts";

const JSONC: JsonDialect = { comments: true, trailingCommas: true };

/** OpenCode has plugins and no hooks: our plugin sends us Claude's events, and takes our answer as it is. */
export const opencode: Host = {
  agent: "opencode",
  process: {
    commands: ["opencode"],
    packages: ["opencode-ai"],
    pidVariable: "OPENCODE_PID",
    markers: ["OPENCODE"],
    variables: "OPENCODE",
  },

  hasSteps: false,
  read(payload, given) {
    return claude.read(payload, given);
  },
  write(_, answer) {
    return jsonLine(answer);
  },
  bearsUnread: true, // our plugin's side
  wakesIf: {},

  programs: ["opencode"],
  folders: [".config/opencode"],
  projectFile: ".opencode/plugins/agent-relay.js",
  userFile: ".config/opencode/plugins/agent-relay.js",
  text: pluginFor,
  bears: JSONC,
  settings: () => [],
  skills: ".agents/skills",
  mcp: {
    ...{ projectFile: "opencode.json", userFile: ".config/opencode/opencode.json", path: ["mcp", "agent-relay"] },
    entry: (words) => ({ type: "local", command: words, enabled: true }),
    // Else OpenCode adds this at its start (1.18.33), and after a removal the file that we made stays, with just this.
    defaults: [{ path: ["$schema"], value: "https://opencode.ai/config.json", isDefault: true }],
  },

  headless: (prompt) => ["opencode", "run", prompt],
};
