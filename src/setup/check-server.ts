import { spawn } from "node:child_process";
import { once } from "node:events";
import readline from "node:readline";
import { isServerEntry, type Program, serverWords } from "../hosts/command-line.ts";
import { fieldsOf } from "../hosts/ours.ts";
import type { HostSetup } from "../hosts/settings.ts";
import { cut, jsonText } from "../text.ts";
import { type CheckEnv, envOf, type HostCheck } from "./check.ts";
import { readText } from "./files.ts";
import { dropsFor, STRICT, settingsIn } from "./jsonc.ts";

const MAX_ANSWER_MS = 10_000;
const HELLO = {
  protocolVersion: "2025-11-25",
  capabilities: {},
  clientInfo: { name: "agent-relay setup", version: "1" },
};

/**
 * Runs the MCP server that a host's file names as ours, and says what is wrong; undefined if the file names none. An entry
 * that setup would not write now is not run: it may have come with a cloned repository.
 */
export async function checkedServer(
  host: HostSetup,
  file: string,
  checkEnv: CheckEnv,
  program: Program,
): Promise<HostCheck | undefined> {
  const entry = entryIn(host, file);
  if (!isServerEntry(entry)) return undefined;
  const { command, args = [] } = fieldsOf(entry);
  const words = [command, args].flat().map(String);
  const say = (fault: string | undefined) => ({ host: host.agent, command: words.join(" "), fault });
  const drops = dropsFor(readText(file) ?? "", host.bears ?? STRICT);
  if (drops !== undefined) return say(`${host.agent} drops the whole of ${file}: ${drops}`);
  if (jsonText(words) !== jsonText(serverWords(program)) || !hasOnlyOurs(entry, host.mcp.entry(words)))
    return say("it is not what setup writes now, and was not run: run setup --mcp again");
  return say(await faultOf(words, checkEnv));
}

/** Whether an entry has no field, such as an environment, that setup does not write. */
function hasOnlyOurs(entry: unknown, ours: unknown): boolean {
  const wanted = Object.keys(fieldsOf(ours));
  return Object.keys(fieldsOf(entry)).every((name) => wanted.includes(name));
}

function entryIn({ mcp }: HostSetup, file: string): unknown {
  return mcp.path.reduce<unknown>((inner, key) => fieldsOf(inner)[key], settingsIn(readText(file) ?? "", file));
}

function asJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // the caller tells it
  }
}

/** Asks a server for its tools, as a host does. */
async function faultOf(
  [program = "", ...args]: readonly string[],
  { folder, env }: CheckEnv,
): Promise<string | undefined> {
  const child = spawn(program, args, { cwd: folder, env: envOf(env), stdio: ["pipe", "pipe", "ignore"] });
  const say = (message: object) => child.stdin.write(`${jsonText({ jsonrpc: "2.0", ...message })}\n`);
  child.stdin.on("error", () => {}); // its end says more
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<string | undefined>((resolve) => {
      timer = setTimeout(() => resolve(`it did not answer within ${MAX_ANSWER_MS / 1000} s`), MAX_ANSWER_MS);
      child.on("error", (error) => resolve(`it could not be run (${error.message})`));
      child.on("close", (code) => resolve(`it ended with exit code ${code}, and without an answer`));
      readline.createInterface({ input: child.stdout }).on("line", (line) => {
        const message = asJson(line);
        if (message === undefined) return resolve(`it writes what is no message: ${cut(line, 80)}`);
        const { id, result } = fieldsOf(message);
        const { tools } = fieldsOf(result);
        if (id === 1) say({ method: "notifications/initialized" });
        if (id === 1) say({ id: 2, method: "tools/list" });
        if (id === 2) resolve(Array.isArray(tools) && tools.length > 0 ? undefined : "it offers no tools");
      });
      say({ id: 1, method: "initialize", params: HELLO });
    });
  } finally {
    clearTimeout(timer);
    const isOver = child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
    child.kill();
    if (!isOver) await once(child, "exit"); // it may still write into the folder, which goes next
  }
}
