import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";

// OpenCode's plugin: a program of its own, which OpenCode loads from the settings of a project or a user. The build
// removes the types. `setup` writes the constants declared here above the code, so that the plugin needs no other file.
declare const PROGRAM: readonly string[];
declare const WAKES: boolean;

const ANSWER_PATIENCE_MS = 5000;

/** What the relay says at an event. */
interface RelayAnswer {
  readonly context?: string;
  readonly deny?: string;
  readonly goOn?: string;
}

interface Details {
  readonly kind?: string | undefined;
  readonly tool_name?: string;
  readonly tool_input?: unknown;
  readonly agent_id?: string;
}

/** What a plugin is given, as far as it is used here (OpenCode 1.18). */
interface PluginInput {
  readonly directory: string;
  readonly client: { readonly session: { prompt(prompt: object): Promise<unknown> } };
}

/** Which of OpenCode's agents (build, plan, ...) a session talks to, and by which model. */
interface Mode {
  readonly agent?: string;
  readonly model?: { readonly providerID: string; readonly modelID: string };
}

interface PluginToolCall {
  readonly tool: string;
  readonly sessionID: string;
}

interface PluginEvent {
  readonly type: string;
  readonly properties?: {
    readonly sessionID?: string;
    readonly info?: { readonly id?: string; readonly parentID?: string };
  };
}

function start(args: readonly string[], options: SpawnOptions): ChildProcess {
  const [program = "", ...first] = PROGRAM;
  return spawn(program, [...first, ...args], options);
}

/** The relay's answer to an event; empty if it does not come in time. */
function ask(event: string, sessionID: string, cwd: string, more: Details = {}): Promise<RelayAnswer> {
  return new Promise((resolve) => {
    let said = "";
    const env = { ...process.env, AGENT_RELAY_SESSION: sessionID };
    const child = start(["opencode", event, ...(more.kind ? [more.kind] : [])], { cwd, env });
    const end = () => {
      clearTimeout(timer);
      try {
        resolve(said.trim() === "" ? {} : JSON.parse(said));
      } catch {
        resolve({}); // a hook never breaks its agent
      }
    };
    const timer = setTimeout(() => child.kill(), ANSWER_PATIENCE_MS);
    child.stdout?.on("data", (part) => {
      said += part;
    });
    child.on("error", end);
    child.on("close", end);
    child.stdin?.on("error", () => {});
    child.stdin?.end(JSON.stringify({ session_id: sessionID, cwd, hook_event_name: event, ...more }));
  });
}

/** Starts a process that waits for mail, and calls `wake` when mail comes that is worth waking an idle session for. */
function waitForMail(sessionID: string, cwd: string, wake: (text: string) => void): ChildProcess {
  let said = "";
  const env = { ...process.env, AGENT_RELAY_SESSION: sessionID };
  const child = start(["opencode", "Wake"], { cwd, env, stdio: ["pipe", "ignore", "pipe"] });
  child.stderr?.on("data", (part) => {
    said += part;
  });
  child.on("error", () => {});
  child.on("close", (code) => {
    if (code === 2) wake(said.trim());
  });
  child.stdin?.on("error", () => {});
  child.stdin?.end(JSON.stringify({ session_id: sessionID, cwd, hook_event_name: "Stop" }));
  child.unref();
  return child;
}

function kindOf(tool: string): string | undefined {
  if (tool === "bash") return "shell";
  return /^(write|edit|multiedit|patch|apply_patch)$/.test(tool) ? "edit" : undefined;
}

/** The plugin, as OpenCode finds it: by its shape, whatever its name. */
export const AgentRelay = async ({ client, directory }: PluginInput) => {
  const begun = new Set<string>();
  const modes = new Map<string, Mode>();
  const waiting = new Map<string, ChildProcess>();
  const outer = new Map<string, string>(); // a subagent's session -> the session that it works for
  const endsWhenIdle = process.argv.includes("run");
  let count = 0;
  const isOwn = (sessionID: string) => begun.has(sessionID) && !outer.has(sessionID);
  const tell = (event: string, sessionID: string, more?: Details) => {
    const session = outer.get(sessionID) ?? sessionID;
    return ask(event, session, directory, session === sessionID ? more : { ...more, agent_id: sessionID });
  };
  // A prompt without them goes to the default agent, which may write where the session's own may only read.
  const say = (id: string, text: string, more?: object) =>
    client.session.prompt({ path: { id }, body: { ...modes.get(id), ...more, parts: [{ type: "text", text }] } });
  const stop = async (sessionID: string, more?: object) => {
    const { goOn } = await tell("Stop", sessionID);
    if (goOn) await say(sessionID, goOn, more);
    return Boolean(goOn);
  };
  const stopWaiting = (sessionID: string) => {
    waiting.get(sessionID)?.kill();
    waiting.delete(sessionID);
  };
  return {
    async "chat.message"(
      { sessionID }: { sessionID: string },
      output: { readonly message: Mode & { readonly id: string }; readonly parts: object[] },
    ) {
      const { agent, model } = output.message;
      modes.set(sessionID, { ...(agent && { agent }), ...(model && { model }) });
      if (outer.has(sessionID)) return;
      const event = begun.has(sessionID) ? "UserPromptSubmit" : "SessionStart";
      begun.add(sessionID);
      stopWaiting(sessionID);
      const { context } = await tell(event, sessionID);
      if (!context) return;
      const id = `prt_${Date.now().toString(36)}${count++}`;
      output.parts.push({ id, sessionID, messageID: output.message.id, type: "text", text: context, synthetic: true });
    },
    async "tool.execute.before"({ tool, sessionID }: PluginToolCall, { args }: { args: unknown }) {
      const kind = kindOf(tool);
      if (!kind) return;
      const { deny } = await tell("PreToolUse", sessionID, { kind, tool_name: tool, tool_input: args });
      if (deny) throw new Error(deny);
    },
    async "tool.execute.after"(
      { tool, sessionID, args }: PluginToolCall & { args: unknown },
      output: { output?: string },
    ) {
      const { context } = await tell("PostToolUse", sessionID, {
        kind: kindOf(tool),
        tool_name: tool,
        tool_input: args,
      });
      if (context) output.output = `${output.output ?? ""}\n${context}`;
    },
    async "shell.env"({ sessionID }: { sessionID?: string }, output: { env: Record<string, string> }) {
      if (sessionID) output.env.AGENT_RELAY_SESSION = outer.get(sessionID) ?? sessionID;
    },
    async event({ event: { type, properties } }: { event: PluginEvent }) {
      const sessionID = properties?.sessionID ?? properties?.info?.id;
      const parent = properties?.info?.parentID;
      if (sessionID === undefined) return;
      if (type === "session.created" && parent) outer.set(sessionID, outer.get(parent) ?? parent);
      if (type === "session.deleted" && isOwn(sessionID)) {
        stopWaiting(sessionID);
        modes.delete(sessionID);
        await tell("SessionEnd", sessionID);
      }
      if (type !== "session.idle" || !isOwn(sessionID) || endsWhenIdle) return;
      if ((await stop(sessionID)) || !WAKES || waiting.has(sessionID)) return;
      const wake = (text: string) => {
        if (waiting.delete(sessionID)) void say(sessionID, text);
      };
      waiting.set(sessionID, waitForMail(sessionID, directory, wake));
    },
    // The process of "opencode run" ends when its session is idle: no model would see a prompt that comes then. A
    // prompt that comes before the model has ended its text is answered in the same turn.
    async "experimental.text.complete"({ sessionID }: { sessionID: string }) {
      if (isOwn(sessionID) && endsWhenIdle) await stop(sessionID, { noReply: true });
    },
    async dispose() {
      for (const sessionID of [...waiting.keys()]) stopWaiting(sessionID);
    },
  };
};
