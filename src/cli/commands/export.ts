import fs from "node:fs";
import path from "node:path";
import { RelayError, systemError } from "../../errors.ts";
import { markdown, SECTIONS } from "../../upkeep/markdown.ts";
import { redacted } from "../../upkeep/redact.ts";
import { clean, json } from "../text.ts";
import { type Describe, verb } from "../verb.ts";

export const describe: Describe = ({ Command }, act) =>
  new Command("export")
    .description("Write everything in the relay to a folder, as JSON and as Markdown.")
    .option("--to <folder>", "where to", "relay-export")
    .option("--redacted", "without what was written, names of people, and paths outside the project")
    .addHelpText("after", "\nExample: agent-relay export --redacted --to /tmp/for-a-bug-report")
    .action((flags: { to: string; redacted?: boolean }) =>
      act(async (cli) => {
        const relay = await cli.open();
        const whole = await relay.dump();
        const dump = flags.redacted ? redacted(whole) : whole;
        const folder = path.resolve(cli.io.cwd, flags.to);
        if (`${folder}${path.sep}`.startsWith(`${path.resolve(relay.dir)}${path.sep}`))
          throw new RelayError("usage", `Cannot export to "${folder}": it is in the relay itself`, {
            next: "agent-relay export --to another-folder",
          });
        const files = new Map([
          ["relay.json", json(dump, 2)],
          ...SECTIONS.map((section) => [`${section}.md`, clean(markdown(dump, section))] as const),
        ]);
        try {
          fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
          for (const [name, text] of files) fs.writeFileSync(path.join(folder, name), text, { mode: 0o600 });
        } catch (error) {
          throw systemError(`export to "${folder}"`, error);
        }
        await cli.say({ folder, files: [...files.keys()] }, `Exported to ${folder}: ${[...files.keys()].join(" ")}\n`);
      }),
    );

export const run = verb(describe);
