import fs from "node:fs";
import path from "node:path";
import { realPath } from "../../claims/paths.ts";
import { RelayError, systemError } from "../../errors.ts";
import { makeFolders } from "../../folders.ts";
import { clean, cleanLine, json } from "../../text.ts";
import { markdown, SECTIONS } from "../../upkeep/markdown.ts";
import { redacted } from "../../upkeep/redact.ts";
import { defineVerb } from "../command.ts";

export const verb = defineVerb({
  name: "export",
  about: "Write everything in the relay to a folder, as JSON and as Markdown.",
  flags: {
    "--to <folder>": "where to (default relay-export)",
    "--redacted": "without what was written, names of people, and paths outside the project",
  },
  note: "Direct messages between others are in the export of a person alone.",
  example: "agent-relay export --redacted --to /tmp/for-a-bug-report",
  async run(cli, { to = "relay-export", redacted: isRedacted }) {
    const relay = await cli.open();
    const whole = await relay.admin.dump();
    const dump = isRedacted ? redacted(whole) : whole;
    const folder = path.resolve(cli.io.cwd, to);
    const refuse = (why: string) =>
      new RelayError("usage", `Cannot export to "${to}": ${why}`, {
        next: "agent-relay export --to new-folder",
      });
    if (to === "") throw refuse("it is no folder");
    if (`${realPath(folder)}${path.sep}`.startsWith(`${realPath(relay.dir)}${path.sep}`))
      throw refuse("it is in the relay itself");
    if (fs.existsSync(folder) && !fs.statSync(folder).isDirectory()) throw refuse("it is no folder");
    if (!isOurs(folder)) throw refuse("there is something in it that is no export");
    const files = new Map([
      ["relay.json", json(dump, 2)],
      ...SECTIONS.map((section) => [`${section}.md`, clean(markdown(dump, section))] as const),
    ]);
    try {
      makeFolders(folder, 0o700);
      for (const [name, text] of files) writeAnew(path.join(folder, name), text);
    } catch (error) {
      throw systemError(`export to "${folder}"`, error);
    }
    await cli.say(
      { folder, files: [...files.keys()] },
      `Exported to ${cleanLine(folder)}: ${[...files.keys()].join(" ")}\n`,
    );
  },
});

/** Whether a folder is new, empty, or an earlier export: `relay.json` and our views, and no link. */
function isOurs(folder: string): boolean {
  if (!fs.existsSync(folder)) return true;
  const known = ["relay.json", ...SECTIONS.map((section) => `${section}.md`)];
  const entries = fs.readdirSync(folder, { withFileTypes: true });
  const isExport = entries.some(({ name }) => name === "relay.json");
  return entries.length === 0 || (isExport && entries.every((entry) => entry.isFile() && known.includes(entry.name)));
}

/** Writes a new file: never through a link, never into a file that another process holds open. */
function writeAnew(file: string, text: string): void {
  fs.rmSync(file, { force: true });
  fs.writeFileSync(file, text, { mode: 0o600, flag: "wx" });
}
