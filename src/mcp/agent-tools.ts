import path from "node:path";
import * as z from "zod";
import { isName } from "../agents/agent.ts";
import type { AgentView } from "../agents/registry.ts";
import { formatDuration } from "../duration.ts";
import { killedLine } from "../render/agents.ts";
import { claimWords } from "../render/claims.ts";
import { hearingWords } from "../render/hearing.ts";
import { cleanLine, countWord } from "../text.ts";
import { killAgent } from "../upkeep/kill.ts";
import { workOf } from "../views/doing.ts";
import { type Tool, tool } from "./tool.ts";
import { frameWhatFits } from "./truncate.ts";

const agents = tool({
  name: "agents",
  title: "See who else works here",
  about: "Who is here, what each does and has claimed, and how many messages wait for it.",
  hints: { reads: true, repeats: true },
  input: z.strictObject({
    scope: z.enum(["machine", "repository", "directory"]).optional().describe("default: repository"),
  }),
  async run({ scope }, { relay, me, now, machine }) {
    if (scope === "machine") {
      const projects = await machine();
      const lines: string[] = [];
      for (const { project, agents } of projects) {
        const does = await workOf(agents, project, now());
        lines.push(`${cleanLine(project)}:\n`, ...agents.map((one) => `  ${agentLine(one, [], now(), does)}`));
      }
      return { text: frameWhatFits(lines, "agents") || "Nobody works in any project here\n", data: { projects } };
    }
    const all = await relay.agents.list({ unread: true });
    const mine = all.find((one) => one.session_id === me);
    const isNear = (one: AgentView) => scope !== "directory" || one.cwd === mine?.cwd;
    const others = all.filter((one) => one.session_id !== me && isNear(one));
    const claims = await relay.claims.list();
    const held = (session: string) => claims.filter((claim) => claim.session_id === session).map(claimWords);
    const does = await workOf(others, path.dirname(relay.dir), now());
    const lines = others.map((one) => agentLine(one, held(one.session_id), now(), does));
    return {
      text: frameWhatFits(lines, "agents") || "Nobody else is here yet\n",
      data: { agents: others.map((one) => ({ ...one, claims: held(one.session_id) })) },
    };
  },
});

function agentLine(agent: AgentView, held: readonly string[], now: number, does: ReadonlyMap<string, string>): string {
  const { session_id, name, agent_id, presence, last_seen, status, role, branch, unread = 0 } = agent;
  const facts = [
    presence === "active" ? presence : `${presence}, seen ${formatDuration(now - Date.parse(last_seen))} ago`,
    role === undefined ? [] : cleanLine(role),
    presence === "gone" ? [] : (hearingWords(agent, now) ?? []),
    branch === undefined || status === undefined ? [] : `on ${cleanLine(branch)}`,
    held.length === 0 ? [] : `has claimed ${held.slice(0, 5).join(", ")}${held.length > 5 ? ", ..." : ""}`,
    unread === 0 ? [] : `${countWord(unread)} unread`,
  ].flat();
  const said = does.get(session_id);
  const what = said === undefined ? "" : `: ${cleanLine(said)}`;
  return `${cleanLine(name ?? session_id)} (${cleanLine(agent_id)}, ${session_id}) ${facts.join("; ")}${what}\n`;
}

const whoami = tool({
  name: "whoami",
  title: "See who you are here",
  about: "Your name and session on the relay, and the folder that it is in.",
  hints: { reads: true, repeats: true },
  input: z.strictObject({}),
  async run(_, { relay, me }) {
    const mine = await relay.agents.find(me);
    return {
      text: `You are ${mine?.name !== undefined && isName(mine.name) ? mine.name : me} (session ${me}, ${relay.agent}); relay: ${cleanLine(relay.dir)}\n`,
      data: { session_id: me, name: mine?.name, agent_id: relay.agent, dir: relay.dir },
    };
  },
});

const status = tool({
  name: "status",
  title: "Say what you do",
  about: "Say in one line what you are working on; the others see it beside your name.",
  hints: { repeats: true },
  input: z.strictObject({ does: z.string() }),
  async run({ does }, { relay }) {
    await relay.agents.setStatus(does);
    return { text: "The others see it now\n", data: { status: does } };
  },
});

const end = tool({
  name: "end",
  title: "End another agent",
  about:
    "Ask another agent's process to end, if it is hung or no longer wanted. Its unread mail is kept. Never to settle a dispute.",
  hints: { destroys: true },
  input: z.strictObject({ who: z.string() }),
  async run({ who }, { relay }) {
    const killed = await killAgent(relay, who);
    return { text: killedLine(killed), data: { ...killed } };
  },
});

/**
 * Why each tool is there: `agents` alone names whom to write to, `whoami` tells the model its own name, `status` tells
 * the others what it does, `end` ends an agent that hangs.
 */
export const AGENT_TOOLS: readonly Tool[] = [agents, whoami, status, end];
