import type { HookEvent, Payload } from "../../src/hosts/hook.ts";
import type { Host } from "../../src/hosts/host.ts";
import { flagOf, has, jsonLine, textOf } from "../../src/hosts/payload.ts";
import { element, SERVERS, serverAt } from "../../src/hosts/settings.ts";
import { toolUse } from "../../src/hosts/tools.ts";

/** A host that nobody has made: what it takes to add one. */
export const heron: Host = {
  agent: "heron",
  process: { commands: ["heron"], packages: ["@fen/heron"], markers: ["HERON_PID"], variables: "HERON_" },

  isCalling: (payload) => has(payload, "heron_version"),
  hasSteps: false,
  read(payload, given) {
    const session = textOf(payload, "session_id");
    const event = textOf(payload, "event") ?? given ?? "";
    if (session === undefined) return undefined;
    const cwd = textOf(payload, "cwd") ?? ".";
    return { session, cwd, event, moment: hookEventOf(event, payload), isSubagent: false };
  },
  write(_, { context, deny, goOn }) {
    if (deny !== undefined) return jsonLine({ refuse: deny });
    if (goOn !== undefined) return jsonLine({ more: goOn });
    return context === undefined ? "" : jsonLine({ tell: context });
  },
  silentExceptAt: ["stop"],
  sample: (session, event, folder) => ({ session_id: session, cwd: folder, event, heron_version: 1 }),

  programs: ["heron"],
  folders: [".heron"],
  projectFile: ".heron/hooks.json",
  userFile: ".heron/hooks.json",
  settings: (command) =>
    ["sessionStart", "userPromptSubmitted", "preToolUse", "postToolUse", "stop", "sessionEnd"].map((event) =>
      element(["on", event], { ...command(event) }),
    ),
  guard: () => "silent",
  skills: ".agents/skills",
  mcp: { path: SERVERS, entry: serverAt },

  headless: (prompt) => ["heron", "--ask", prompt],
};

function hookEventOf(event: string, payload: Payload): HookEvent {
  const tool = () => toolUse(textOf(payload, "tool_name") ?? "", payload.tool_input);
  switch (event) {
    case "sessionStart":
      return { at: "start" };
    case "userPromptSubmitted":
      return { at: "prompt" };
    case "preToolUse":
      return { at: "before", tool: tool() };
    case "postToolUse":
      return { at: "after", tool: tool() };
    case "stop":
      return { at: "stop", wasHeld: flagOf(payload, "was_held") };
    case "sessionEnd":
      return { at: "end" };
    default:
      return { at: "other" };
  }
}
