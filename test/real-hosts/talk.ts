import type { ChildProcess } from "node:child_process";
import readline from "node:readline";

const LIMIT = 60_000; // ms for one answer

type Message = Readonly<Record<string, unknown>>;

/** How a program that embeds a host talks to it: one process for all prompts. */
export interface Talk {
  readonly args: readonly string[];
  /** Opens a session in a folder. Returns what says a prompt in it, and waits for the end of its turn. */
  begin(lines: Lines, cwd: string): Promise<(prompt: string) => Promise<unknown>>;
}

/** Messages to and from a process: JSON, a line each. */
export class Lines {
  readonly #child: ChildProcess;
  readonly #come: Message[] = [];
  readonly #waiting = new Set<() => void>();
  #ids = 0;

  constructor(child: ChildProcess) {
    this.#child = child;
    if (!child.stdout) throw new Error("nothing can be read from it");
    readline.createInterface({ input: child.stdout }).on("line", (line) => {
      if (!line.startsWith("{")) return;
      this.#come.push(JSON.parse(line));
      for (const look of this.#waiting) look();
    });
  }

  say(message: Message): void {
    this.#child.stdin?.write(`${JSON.stringify(message)}\n`);
  }

  /** Takes the next message of this sort out of those that came. */
  next(what: string, isIt: (message: Message) => boolean): Promise<Message> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const index = this.#come.findIndex(isIt);
        if (index < 0) return;
        this.#waiting.delete(look);
        clearTimeout(timer);
        resolve(this.#come.splice(index, 1)[0] ?? {});
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`no answer came to "${what}"; what came: ${JSON.stringify(this.#come).slice(-2000)}`));
      }, LIMIT);
      this.#waiting.add(look);
      look();
    });
  }

  /** JSON-RPC. */
  async call(method: string, params: Message): Promise<Message> {
    const id = ++this.#ids;
    this.say({ jsonrpc: "2.0", id, method, params });
    const { error, result } = await this.next(method, (message) => message.id === id && message.method === undefined);
    if (error !== undefined) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return fieldsOf(result);
  }
}

/** Claude Code's own: a prompt is a line. */
export const streamed = (args: readonly string[]): Talk => ({
  args,
  async begin(lines) {
    return (prompt) => {
      lines.say({ type: "user", message: { role: "user", content: prompt } });
      return lines.next(prompt, ({ type }) => type === "result");
    };
  },
});

/** The Agent Client Protocol, which editors speak. */
export const acp = (args: readonly string[]): Talk => ({
  args,
  async begin(lines, cwd) {
    await lines.call("initialize", { protocolVersion: 1, clientCapabilities: {} });
    const { sessionId } = await lines.call("session/new", { cwd, mcpServers: [] });
    return (prompt) => lines.call("session/prompt", { sessionId, prompt: [{ type: "text", text: prompt }] });
  },
});

/** What Codex's own extension for editors speaks. It trusts the project's hooks first, as a person does with /hooks. */
export const appServer = (args: readonly string[]): Talk => ({
  args,
  async begin(lines, cwd) {
    await lines.call("initialize", { clientInfo: { name: "test", title: "test", version: "1" } });
    lines.say({ jsonrpc: "2.0", method: "initialized" });
    const { data } = await lines.call("hooks/list", { cwds: [cwd] });
    const hooks = listOf(data).flatMap((entry) => listOf(fieldsOf(entry).hooks).map(fieldsOf));
    const value = Object.fromEntries(hooks.map(({ key, currentHash }) => [key, { trusted_hash: currentHash }]));
    await lines.call("config/batchWrite", { edits: [{ keyPath: "hooks.state", value, mergeStrategy: "upsert" }] });
    const { thread } = await lines.call("thread/start", { cwd });
    return async (prompt) => {
      await lines.call("turn/start", { threadId: fieldsOf(thread).id, input: [{ type: "text", text: prompt }] });
      return lines.next(prompt, ({ method }) => method === "turn/completed");
    };
  },
});

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function fieldsOf(value: unknown): Message {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
