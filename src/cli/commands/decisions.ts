import { clean, cleanLine } from "../../text.ts";
import { dayOf } from "../../time.ts";
import { type Describe, verb } from "../command.ts";

export const describe: Describe = ({ Command }, act) =>
  new Command("decisions")
    .description("Show what was decided, the oldest first.")
    .addHelpText("after", "\nExample: agent-relay decisions --json")
    .action(() =>
      act(async (cli) => {
        const relay = await cli.open();
        const decisions = await relay.decisions();
        const names = await relay.names(decisions.map(({ session_id }) => session_id));
        const lines = decisions.map(({ id, session_id, decided_at, content }) => {
          const who = cleanLine(names.get(session_id) ?? session_id);
          const day = dayOf(decided_at);
          return `${cleanLine(id)} ${who}, ${day}: ${clean(content).replaceAll("\n", "\n  ")}\n`;
        });
        await cli.say(decisions, cli.framed(lines, "decisions"));
        if (lines.length === 0) cli.io.err("No decisions\n");
      }),
    );

export const run = verb(describe);
