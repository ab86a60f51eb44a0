import { endOrphan, orphans } from "../../machine.ts";
import { cleanLine } from "../../text.ts";
import { type Describe, verb } from "../verb.ts";

export const describe: Describe = ({ Command }, act) =>
  new Command("orphans")
    .description("List MCP servers and waiting hooks whose host is gone, and sessions here whose process has died.")
    .option("--clean", "end them")
    .addHelpText(
      "after",
      "\nThey end by themselves within 5 s, unless they hang.\nExample: agent-relay orphans --clean",
    )
    .action(({ clean = false }: { clean?: boolean }) =>
      act(async (cli) => {
        const relay = await cli.open();
        const processes = orphans();
        const sessions = clean
          ? await relay.cleanupDead()
          : (await relay.agents()).filter((one) => one.presence === "gone");
        const ended = clean ? processes.filter(endOrphan) : [];
        const what = clean ? "ended" : "orphan";
        const lines = [
          ...(clean ? ended : processes).map(({ pid, command }) => `${what}: pid ${pid} ${cleanLine(command)}\n`),
          ...sessions.map(({ session_id }) => `${what}: session ${cleanLine(session_id)}\n`),
        ];
        const ids = sessions.map(({ session_id }) => session_id);
        await cli.say({ processes: clean ? ended : processes, sessions: ids }, lines.join(""));
        if (lines.length === 0) cli.io.err("No orphans\n");
      }),
    );

export const run = verb(describe);
