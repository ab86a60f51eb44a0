import type { HookEvent, Payload } from "./hook.ts";
import type { Host } from "./host.ts";
import { has, jsonLine, textOf } from "./payload.ts";
import { SERVERS, serverAt } from "./settings.ts";

/** Antigravity CLI: its payloads do not name the event, so the command line does. */
export const antigravity: Host = {
  agent: "antigravity",
  process: {
    commands: ["agy"],
    packages: [],
    markers: [],
  },

  isCalling: (payload) => has(payload, "conversationId", "workspacePaths"),
  hasSteps: false,
  read(payload, event = "") {
    const session = textOf(payload, "conversationId");
    if (session === undefined) return undefined;
    const { workspacePaths } = payload;
    const [cwd] = Array.isArray(workspacePaths) ? workspacePaths : [];
    return {
      session,
      cwd: typeof cwd === "string" ? cwd : ".",
      event,
      moment: hookEventOf(event, payload),
      isSubagent: false,
    };
  },
  write(_, { context, goOn }) {
    if (goOn !== undefined) return jsonLine({ decision: "continue", reason: goOn });
    return context === undefined ? "" : jsonLine({ injectSteps: [{ ephemeralMessage: context }] });
  },
  sample: (session, _, folder) => ({ conversationId: session, workspacePaths: [folder] }),
  saysFolder: true,
  guard: () => "empty", // codes are not documented, an answer is one JSON object

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
            [{ type: "command", ...command(event), timeout: 10 }],
          ]),
        ),
      },
    },
  ],
  skills: ".agents/skills",
  mcp: {
    ...{ projectFile: ".agents/mcp_config.json", userFile: ".gemini/config/mcp_config.json" },
    ...{ path: SERVERS, entry: serverAt },
  },

  headless: (prompt) => ["agy", "-p", prompt],
};

// Our context lasts for one turn, so the first request of a turn is a prompt. SessionStart may come before any request.
function hookEventOf(event: string, { invocationNum }: Payload): HookEvent {
  if (event === "PreInvocation") return invocationNum === 0 || invocationNum === 1 ? { at: "prompt" } : { at: "step" };
  if (event === "SessionStart") return { at: "start", isOften: true };
  return event === "Stop" ? { at: "stop", wasHeld: undefined } : { at: "other" };
}
