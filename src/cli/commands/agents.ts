import path from "node:path";
import { isName } from "../../agents/agent.ts";
import type { AgentView } from "../../agents/registry.ts";
import { formatDuration } from "../../duration.ts";
import { agentsOnMachine } from "../../open/machine.ts";
import { hearingCell } from "../../render/hearing.ts";
import { cleanLine, countWord } from "../../text.ts";
import { workOf } from "../../views/doing.ts";
import type { Cli } from "../cli.ts";
import { defineVerb } from "../command.ts";
import { tableFor } from "../table.ts";

type Scope = "machine" | "repository" | "directory";

export const verb = defineVerb({
  name: "agents",
  about: "Show who is here: the last seen first, with how much each has unread.",
  flags: {
    "--scope <where>": {
      about: "in this folder, in this project, or in every project that you have used (default repository)",
      choices: ["directory", "repository", "machine"],
    },
    "--names": "their names alone, a line each: what `send --to` takes",
  },
  example: "agent-relay agents --json",
  run: (cli, { scope = "repository", names }) =>
    names ? namesAlone(cli, scope) : scope === "machine" ? everywhere(cli) : here(cli, scope),
});

const HEADER = ["NAME", "SESSION", "AGENT", "PRESENCE", "SEEN", "UNREAD", "HEARS BY", "ROLE", "DOES"];

async function namesAlone(cli: Cli, scope: Scope): Promise<void> {
  const all =
    scope === "machine"
      ? (await agentsOnMachine(cli.io, () => {})).flatMap(({ agents }) => agents)
      : await (await cli.open()).agents.list();
  const isMeant = ({ cwd }: AgentView) => scope !== "directory" || cwd === path.resolve(cli.io.cwd);
  const names = all.filter(isMeant).map(({ name, session_id: id }) => (name !== undefined && isName(name) ? name : id));
  await cli.say(names, names.map((name) => `${cleanLine(name)}\n`).join(""));
}

async function here(cli: Cli, scope: Scope): Promise<void> {
  const relay = await cli.open();
  const all = await relay.agents.list({ unread: true });
  const agents = scope === "directory" ? all.filter(({ cwd }) => cwd === path.resolve(cli.io.cwd)) : all;
  const does = await workOf(agents, path.dirname(relay.dir), cli.now());
  const rows = agents.map((agent) => row(agent, cli, relay.session, does));
  await cli.say(agents, rows.length === 0 ? "" : cli.framed([tableFor(cli, [HEADER, ...rows])], "agents"));
  if (rows.length === 0) cli.io.err('No agents here yet; a first "agent-relay send" registers you\n');
}

async function everywhere(cli: Cli): Promise<void> {
  const found = await agentsOnMachine(cli.io, ({ message }) => cli.io.err(`note: ${cleanLine(message)}\n`));
  const rows: string[][] = [];
  for (const { project, agents } of found) {
    const does = await workOf(agents, project, cli.now());
    rows.push(...agents.map((agent) => [...row(agent, cli, undefined, does), cleanLine(project)]));
  }
  const text = tableFor(cli, [[...HEADER, "PROJECT"], ...rows]);
  await cli.say(found, rows.length === 0 ? "" : cli.framed([text], "agents"));
  if (rows.length === 0) cli.io.err("No agents in any project that you have used\n");
}

function row(agent: AgentView, cli: Cli, me: string | undefined, does: ReadonlyMap<string, string>): string[] {
  return [
    cleanLine(agent.name ?? "-"),
    cleanLine(agent.session_id) + (agent.session_id === me ? " (you)" : ""),
    cleanLine(agent.agent_id),
    agent.presence,
    formatDuration(cli.now() - Date.parse(agent.last_seen)),
    agent.unread === undefined ? "-" : countWord(agent.unread),
    hearingCell(agent, cli.now()),
    cleanLine(agent.role ?? "-"),
    cleanLine(does.get(agent.session_id) ?? "-"),
  ];
}
