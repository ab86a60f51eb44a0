import { spawnSync } from "node:child_process";
import path from "node:path";
import { RelayError } from "../errors.ts";
import { reply } from "../hosts/calling.ts";
import { eventOf, wordsFor } from "../hosts/command-line.ts";
import type { Payload } from "../hosts/hook.ts";
import type { Host } from "../hosts/host.ts";
import { KNOWN_HOSTS } from "../hosts/known.ts";
import { programIn } from "../hosts/opencode-plugin-file.ts";
import { commandsIn } from "../hosts/ours.ts";
import type { HostSetup } from "../hosts/settings.ts";
import { cut, jsonText } from "../text.ts";
import { readText } from "./files.ts";
import { dropsFor, STRICT, settingsIn } from "./jsonc.ts";
import { isIn } from "./managed.ts";
import { planSetup, type SetupRequest, wanted } from "./plan.ts";

/** What was tried, and what is wrong with it, if anything. */
export interface HostCheck {
  readonly host: string;
  readonly command: string;
  readonly fault?: string | undefined;
}

/** Where commands are run: a folder with a relay of its own. */
export interface CheckEnv {
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const MAX_ANSWER_MS = 5000;
const SET_UP_AGAIN = "run setup again";
const PLUGIN_EVENTS = ["SessionStart", "UserPromptSubmit", "Stop"];

/** Compares what is set up for a host with what setup would write, and runs the hooks as the host would. */
export function checked(host: Host, file: string, request: SetupRequest, checkEnv: CheckEnv): HostCheck[] {
  const say = (command: string, fault?: string): HostCheck => ({ host: host.agent, command, fault });
  try {
    const { before, after } = planSetup(host, file, request);
    const drops = host.text ? undefined : dropsFor(before ?? "", host.bears ?? STRICT);
    if (drops !== undefined) return [say(file, `${host.agent} drops the whole file: ${drops}`)];
    const commands = host.text ? [] : commandsIn(settingsIn(before ?? "", file));
    const program = host.text && before !== undefined ? programIn(before) : undefined;
    if (commands.length === 0 && !program) return [say(file, "no hook of ours is in it")];
    const { lines, faults } = host.text ? { lines: [], faults: [] } : compared(host, before ?? "", file, request);
    // A file that came with a cloned repository may hold any line that looks like ours: only what setup writes is run.
    const ran = commands.map((line) =>
      lines.includes(line)
        ? say(line, faultOf(host, eventOf(line) ?? "", { line, ...checkEnv }))
        : say(line, `it is not what setup writes now, and was not run: ${SET_UP_AGAIN}`),
    );
    const isOurProgram = jsonText(program) === jsonText(wordsFor(request.program));
    if (program && !isOurProgram)
      return [say(file, `it is not what setup writes now, and was not run: ${SET_UP_AGAIN}`)];
    const events = program ? PLUGIN_EVENTS : [];
    for (const event of events) {
      const line = [...(program ?? []), host.agent, event];
      ran.push(say(line.join(" "), faultOf(host, event, { line, ...checkEnv })));
    }
    if (faults.length === 0 && before !== after && ran.every(({ fault }) => fault === undefined))
      faults.push(`it is not what setup writes now: ${SET_UP_AGAIN}`);
    return [...ran, ...faults.map((fault) => say(file, fault))];
  } catch (error) {
    if (error instanceof RelayError) return [say(file, error.message)];
    throw error;
  }
}

/** The command lines that a file has to hold, and a fault for each setting that is missing. */
function compared(host: HostSetup, text: string, file: string, request: SetupRequest) {
  const known = settingsIn(text, file);
  const settings = wanted(host, known, request);
  const missing = settings.filter((setting) => !isIn(known, setting)).map(({ path: at }) => at.join("."));
  const faults = [...new Set(missing)].map((at) => `"${at}" is not as setup writes it: ${SET_UP_AGAIN}`);
  return { lines: settings.flatMap(({ value }) => commandsIn(value)), faults };
}

/** The file that switches a host's hooks off, if one does. */
export function switchedOff({ off }: HostSetup, root: string, home: string): string | undefined {
  if (!off) return undefined;
  const inProject = root === home ? [] : off.projectFiles.map((file) => path.join(root, file));
  for (const file of [...inProject, path.join(home, off.userFile)]) {
    const isOff = off.isOff(settingsOf(file));
    if (isOff !== undefined) return isOff ? file : undefined;
  }
  return undefined;
}

/** A file's settings; none if the file cannot be read. */
function settingsOf(file: string): Readonly<Record<string, unknown>> {
  try {
    return settingsIn(readText(file) ?? "", file);
  } catch (error) {
    if (error instanceof RelayError) return {};
    throw error;
  }
}

interface HookRun extends CheckEnv {
  /** A line for a shell, or the words of a command. */
  readonly line: string | readonly string[];
}

function faultOf(host: Host, event: string, { line, folder, env }: HookRun): string | undefined {
  const session = `check-${host.agent}`;
  const payload = host.sample?.(session, event, folder) ?? { session_id: session, cwd: folder, hook_event_name: event };
  const [program = "", ...args] = typeof line === "string" ? [line] : line;
  const options = { cwd: folder, env: envOf(env), input: jsonText(payload), timeout: MAX_ANSWER_MS };
  const ran = spawnSync(program, args, { ...options, shell: typeof line === "string" });
  const said = ran.stdout?.toString().trim() ?? "";
  if (ran.error && !("code" in ran.error && ran.error.code === "EPIPE"))
    return `it could not be run (${ran.error.message})`;
  if (ran.status !== 0) return `it ended with exit code ${ran.status}: ${cut(ran.stderr.toString().trim(), 200)}`;
  const answer = said === "" ? {} : objectIn(said);
  if (!answer) return `it said what no host takes: ${cut(said, 80)}`;
  if (host.read(payload, event)?.moment.at !== "start" || greets(host, payload, event, answer)) return undefined;
  return Object.keys(answer).length === 0
    ? "it greets no agent: is node in PATH, and is agent-relay whole?"
    : `it greets no agent as ${host.agent} takes it: ${cut(said, 80)}`;
}

/** The environment without the variables of an agent that runs the check: our hook would take them for its host's. */
export function envOf(env: CheckEnv["env"]): Record<string, string | undefined> {
  const beginnings = ["AGENT_RELAY_", ...KNOWN_HOSTS.flatMap(({ variables }) => variables ?? [])];
  const own = Object.entries(env).filter(([name]) => !beginnings.some((one) => name.startsWith(one)));
  return { ...Object.fromEntries(own), CLAUDE_CODE_SESSION_ATTENDED: "0" }; // else the Wake hook would wait for mail
}

/** Whether a reply holds the greeting, in the form that this host takes. */
function greets(host: Host, payload: Payload, event: string, answer: object): boolean {
  const call = host.read(payload, event);
  if (!call) return false;
  return textsIn(answer).some(
    (text) =>
      /^You are .* on this project's agent-relay/.test(text) &&
      jsonText(objectIn(reply(host, call, { context: text }))) === jsonText(answer),
  );
}

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

function objectIn(json: string): object | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
