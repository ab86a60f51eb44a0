import { KNOWN_HOSTS } from "../hosts/known.ts";
import { hookLog, hookNode } from "../machine/hook-state.ts";
import { isOnPath } from "../machine/programs.ts";
import { readStateText } from "../machine/state-file.ts";
import { quoted } from "../shell/quote.ts";
import type { DoctorTarget, Finding } from "./finding.ts";

const HOOK_LOG_MS = 3_600_000; // how far back hooks that failed are told of

/** What hooks could not do lately, and whether agents can call the command by its name. */
export function hooks({ now, env }: DoctorTarget): Finding[] {
  const file = hookLog(env);
  const lines = file === undefined ? [] : (readStateText(file) ?? "").split("\n");
  const failed = lines.filter(
    (line) => isHookFailure(line) && Date.parse(line.split(" ")[0] ?? "") > now - HOOK_LOG_MS,
  );
  const found: Finding[] =
    failed.length === 0
      ? []
      : [
          {
            what: `${failed.length} ${failed.length === 1 ? "hook" : "hooks"} said nothing in the last hour, the last one at ${failed.at(-1)}`,
            next: `see all: tail ${quoted(file ?? "")}; then run setup again: agent-relay setup`,
          },
        ];
  if (isSetUp(env) && !isOnPath("agent-relay", env))
    found.push({
      what: "agent-relay is not in PATH, where agents look for it",
      next: "agent-relay setup says how",
      isHarmless: true,
    });
  return found;
}

function isSetUp(env: DoctorTarget["env"]): boolean {
  const file = hookNode(env);
  return file !== undefined && readStateText(file) !== undefined;
}

function isHookFailure(line: string): boolean {
  return KNOWN_HOSTS.some(({ agent }) => line.split(" ")[1] === agent);
}
