import fs from "node:fs";
import path from "node:path";
import pkg from "../../package.json" with { type: "json" };
import { systemError } from "../errors.ts";
import { makeFolders } from "../folders.ts";
import { claude } from "../hosts/claude.ts";
import { commandFor, type Program } from "../hosts/command-line.ts";
import { withSettings } from "../setup/jsonc.ts";
import { SKILL } from "../setup/skill.ts";
import { jsonText } from "../text.ts";
import type { Cli } from "./cli.ts";

/** Writes a new folder for `claude --plugin-dir`. */
export async function writePlugin(
  cli: Cli,
  folder: string,
  { program }: { readonly program: Program },
): Promise<number> {
  const root = path.resolve(cli.io.cwd, folder);
  const manifest = {
    name: "agent-relay",
    version: pkg.version,
    description: "Agents in one project hear of each other.",
  };
  const hooks = withSettings("", claude.settings(commandFor(program, claude)));
  const files = new Map([
    [".claude-plugin/plugin.json", `${jsonText(manifest, 2)}\n`],
    ["hooks/hooks.json", hooks],
    ["skills/agent-relay/SKILL.md", SKILL],
  ]);
  try {
    makeFolders(path.dirname(root));
    fs.mkdirSync(root); // throws if it exists: nothing of anybody's is written over
    for (const [name, text] of files) {
      makeFolders(path.dirname(path.join(root, name)));
      fs.writeFileSync(path.join(root, name), text);
    }
  } catch (error) {
    throw systemError(`write a plugin to "${root}"`, error);
  }
  await cli.say({ folder: root, files: [...files.keys()] }, `Wrote ${root}. Try it: claude --plugin-dir ${root}\n`);
  return 0;
}
