import { formatDuration } from "../../duration.ts";
import { cleanLine } from "../../text.ts";
import { countWord, frameFor, table } from "../output.ts";
import { type Describe, verb } from "../verb.ts";

export const describe: Describe = ({ Command }, act) =>
  new Command("agents")
    .description("Show who is here: the last seen first, with how much each has unread.")
    .addHelpText("after", "\nExample: agent-relay agents --json")
    .action(() =>
      act(async (cli) => {
        const relay = await cli.open();
        const agents = await relay.agents({ unread: true });
        const rows = agents.map((agent) => [
          cleanLine(agent.name ?? "-"),
          cleanLine(agent.session_id) + (agent.session_id === relay.session ? " (you)" : ""),
          cleanLine(agent.agent_id),
          agent.presence,
          formatDuration(cli.io.now() - agent.last_seen * 1000),
          countWord(agent.unread ?? 0),
          cleanLine(agent.role ?? "-"),
          cleanLine(agent.status ?? "-"),
        ]);
        const header = ["NAME", "SESSION", "AGENT", "PRESENCE", "SEEN", "UNREAD", "ROLE", "DOES"];
        await cli.say(agents, rows.length === 0 ? "" : frameFor(cli.io, [table([header, ...rows])], "agents"));
        if (rows.length === 0) cli.io.err('No agents here yet; a first "agent-relay send" registers you\n');
      }),
    );

export const run = verb(describe);
