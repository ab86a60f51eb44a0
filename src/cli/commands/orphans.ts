import { processState } from "../../agents/processes.ts";
import type { AgentView } from "../../agents/registry.ts";
import { cleanLine } from "../../text.ts";
import { endOrphan, orphans } from "../../upkeep/orphans.ts";
import { defineVerb } from "../command.ts";

export const verb = defineVerb({
  name: "orphans",
  about: "List MCP servers and waiting hooks whose host is gone, and sessions here whose process has died.",
  flags: { "--clean": "end them" },
  note: "They end by themselves within 5 s, unless they hang.",
  example: "agent-relay orphans --clean",
  async run(cli, { clean = false }) {
    const relay = await cli.open();
    const processes = orphans();
    const sessions = clean ? await relay.admin.cleanupDead() : (await relay.agents.list()).filter(hasDied);
    if (clean) await Promise.all(processes.map(endOrphan));
    const what = clean ? "ended" : "orphan";
    const lines = [
      ...processes.map(({ pid, command }) => `${what}: pid ${pid} ${cleanLine(command)}\n`),
      ...sessions.map(({ session_id }) => `${what}: session ${cleanLine(session_id)}\n`),
    ];
    const ids = sessions.map(({ session_id }) => session_id);
    await cli.say({ processes, sessions: ids }, lines.join(""));
    if (lines.length === 0) cli.io.err("No orphans\n");
  },
});

/** Whether a session's process is known to be dead. A silent session without a known process is no orphan. */
function hasDied(agent: AgentView): boolean {
  return processState(agent) === "dead";
}
