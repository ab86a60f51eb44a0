import { shortId } from "../../id.ts";
import { clean, cleanLine } from "../../text.ts";
import { dayOf } from "../../time.ts";
import { defineVerb } from "../command.ts";

export const verb = defineVerb({
  name: "decisions",
  about: "Show what was decided, the oldest first.",
  example: "agent-relay decisions --json",
  async run(cli) {
    const relay = await cli.open();
    const decisions = await relay.decisions.list();
    const names = await relay.agents.names(decisions.map(({ session_id }) => session_id));
    const lines = decisions.map(({ id, session_id, decided_at, content }) => {
      const who = cleanLine(names.get(session_id) ?? session_id);
      const day = dayOf(Date.parse(decided_at));
      return `${cleanLine(shortId(id))} ${who}, ${day}: ${clean(content).replaceAll("\n", "\n  ")}\n`;
    });
    await cli.say(decisions, cli.framed(lines, "decisions"));
    if (lines.length === 0) cli.io.err("No decisions\n");
  },
});
