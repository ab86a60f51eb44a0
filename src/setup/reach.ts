import path from "node:path";
import { RelayError } from "../errors.ts";
import { isCalledByName, type Program } from "../hosts/command-line.ts";
import type { HostSetup } from "../hosts/settings.ts";
import { hookNode } from "../machine/hook-state.ts";
import { isOnPath } from "../machine/programs.ts";
import { readStateText, writeStateText } from "../machine/state-file.ts";
import { quoted } from "../shell/quote.ts";
import { readText } from "./files.ts";
import { dropsFor, STRICT } from "./jsonc.ts";

type Env = Readonly<Record<string, string | undefined>>;

// Whether what is set up can be reached from where it is called: a host's PATH is not the one that setup ran with.

/** Notes which Node hooks are to start: the PATH that a host gives them may have none, or one that is too old. */
export function noteNode(env: Env): void {
  const file = hookNode(env);
  const line = `${process.execPath}\n`;
  if (file !== undefined && readStateText(file) !== line) writeStateText(file, line);
}

/** The program as these files of a host call it already: by its place, or by its name. */
export function asCalled(program: Program, files: readonly string[]): Program {
  return program.isNamed || files.some((file) => isCalledByName(textOf(file)))
    ? { ...program, isNamed: true }
    : program;
}

/** What to do where a host drops the whole of its settings for something in them that is not ours. */
export function dropped({ agent, bears = STRICT, text }: HostSetup, file: string): string[] {
  const drops = text ? undefined : dropsFor(textOf(file), bears);
  return drops === undefined
    ? []
    : [`${agent} DROPS THE WHOLE of ${file}: ${drops}. Take it out, and what setup wrote counts`];
}

/** A file's text; empty for one that cannot be read, which setup has told already. */
export function textOf(file: string): string {
  try {
    return readText(file) ?? "";
  } catch (error) {
    if (error instanceof RelayError) return "";
    throw error;
  }
}

/** What to type where what is called by its name cannot be called so: by agents, by the greeting and the skill, by hosts. */
export function callableByName(env: Env, { script, isNamed }: Program): string[] {
  const missing = ["agent-relay", ...(isNamed ? ["agent-relay-hook"] : [])].filter((name) => !isOnPath(name, env));
  if (missing.length === 0) return [];
  const root = quoted(path.resolve(script, "../.."));
  const who = isNamed ? "hosts and agents look" : "agents look";
  const them = missing.length > 1 ? "are not in PATH, where" : "is not in PATH, where";
  return [`${missing.join(" and ")} ${them} ${who} for it. To put it there, type: npm install --global ${root}`];
}
