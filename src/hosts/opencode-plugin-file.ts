import fs from "node:fs";
import path from "node:path";
import { systemError } from "../errors.ts";
import { list, text } from "../schema.ts";
import { jsonText } from "../text.ts";

/** The line of a plugin that wakes an idle session. */
export const WAKING_PLUGIN = "const WAKES = true;";

/** The first line of our plugin holds this text. */
export const OUR_PLUGIN = "agent-relay-hook";

/** The program and arguments that a plugin of ours runs; undefined if it names none. */
export function programIn(plugin: string): readonly string[] | undefined {
  const words = /^const PROGRAM = (\[".*"\]);$/m.exec(plugin)?.[1];
  return words === undefined ? undefined : list(text()).parse(JSON.parse(words), "PROGRAM");
}

/** The code of OpenCode's plugin, which the build leaves beside the command's `script`. Throws `failed`. */
export function builtPlugin(script: string): string {
  const file = path.resolve(script, "../../dist/cli/opencode-plugin.mjs");
  try {
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    throw systemError(`read "${file}"`, error);
  }
}

/**
 * The text of the plugin's file, which needs no other file. The plugin runs the program `words` for each event, and
 * puts the answer where OpenCode has a place for it. With `wakes`, it also waits for mail while a session is idle.
 */
export function pluginFor(code: string, words: readonly string[], wakes: boolean): string {
  return `// ${OUR_PLUGIN} for OpenCode, made by: agent-relay setup opencode
const PROGRAM = ${jsonText(words)};
${wakes ? WAKING_PLUGIN : "const WAKES = false;"}
${code}`;
}
