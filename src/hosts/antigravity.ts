import type { HookEvent, HookHost, Payload } from "./hook.ts";
import { jsonLine, textOf } from "./payload.ts";

/** Antigravity CLI: its payloads do not name the event, so the command line does. */
export const antigravity: HookHost = {
  agent: "antigravity",
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
  write({ event }, { context, goOn }) {
    if (goOn !== undefined) return jsonLine({ decision: "continue", reason: goOn });
    return context === undefined
      ? antigravity.nothing(event)
      : jsonLine({ injectSteps: [{ ephemeralMessage: context }] });
  },
  nothing: () => "{}\n",
};

// Our context lasts for one turn, so the first request of a turn is a prompt. SessionStart may come before any request.
function hookEventOf(event: string, { invocationNum }: Payload): HookEvent {
  if (event === "PreInvocation") return invocationNum === 0 || invocationNum === 1 ? { at: "prompt" } : { at: "step" };
  if (event === "SessionStart") return { at: "start", isOften: true };
  return event === "Stop" ? { at: "stop", wasHeld: undefined } : { at: "other" };
}
