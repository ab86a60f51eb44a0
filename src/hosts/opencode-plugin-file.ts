import fs from "node:fs";
import path from "node:path";
import { systemError } from "../errors.ts";
import { list, text } from "../schema.ts";

/** The line of a plugin that wakes an idle session. */
export const WAKING_PLUGIN = "const WAKES = true;";

/** In its first line. */
export const OUR_PLUGIN = "agent-relay-hook";

/** What a plugin of ours runs. */
export function programIn(plugin: string): readonly string[] | undefined {
  const words = /^const PROGRAM = (\[".*"\]);$/m.exec(plugin)?.[1];
  return words === undefined ? undefined : list(text()).parse(JSON.parse(words), "PROGRAM");
}

/** OpenCode's plugin as the build has left it beside the command, whose script is given. Throws `failed`. */
export function builtPlugin(script: string): string {
  const file = path.resolve(script, "../../dist/cli/opencode-plugin.mjs");
  try {
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    throw systemError(`read "${file}"`, error);
  }
}

/**
 * The plugin's file, which holds all that it needs. The program of these words is run for each event; what it says is put where
 * OpenCode has a place for it. With `wakes`, it also waits for mail while a session is idle.
 */
export function pluginFor(code: string, words: readonly string[], wakes: boolean): string {
  return `// ${OUR_PLUGIN} for OpenCode, made by: agent-relay setup opencode
const PROGRAM = ${JSON.stringify(words)};
${wakes ? WAKING_PLUGIN : "const WAKES = false;"}
${code}`;
}
