import path from "node:path";
import type { Program } from "../hosts/command-line.ts";
import { hookNode } from "../machine/hook-state.ts";
import { isOnPath } from "../machine/programs.ts";
import { readStateText, writeStateText } from "../machine/state-file.ts";
import { quoted } from "../shell/quote.ts";

type Env = Readonly<Record<string, string | undefined>>;

// Whether what is set up can be reached from where it is called: a host's PATH is not the one that setup ran with.

/** Notes which Node hooks are to start: the PATH that a host gives them may have none, or one that is too old. */
export function noteNode(env: Env): void {
  const file = hookNode(env);
  const line = `${process.execPath}\n`;
  if (file !== undefined && readStateText(file) !== line) writeStateText(file, line);
}

/** What to type where agents cannot call the command by the name that greeting and skill give it. */
export function callableByName(env: Env, { script }: Program): string[] {
  if (isOnPath("agent-relay", env)) return [];
  const root = quoted(path.resolve(script, "../.."));
  return [`agent-relay is not in PATH, where agents look for it. To put it there, type: npm install --global ${root}`];
}
