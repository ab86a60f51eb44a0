/** What a host starts for a hook. */
export interface Program {
  /** bin/agent-relay-hook, for a POSIX shell. */
  readonly launcher: string;
  /** bin/agent-relay.cjs, for Node. */
  readonly script: string;
  readonly platform: NodeJS.Platform;
}

/** The command line for an event. */
export type Command = (event: string, tool?: "edit" | "shell") => string;

/** The program and its first arguments, for who starts it without a shell. */
export function wordsFor({ launcher, script, platform }: Program): readonly string[] {
  return platform === "win32" ? ["node", script, "hook"] : [launcher];
}

export function commandFor({ launcher, script, platform }: Program, agent: string): Command {
  if (platform === "win32") return (event) => `node "${script}" hook ${agent} ${event}`; // it has no POSIX shell
  const program = quoted(launcher);
  return (event, tool) => [program, agent, event, ...(tool === undefined ? [] : [tool])].join(" ");
}

/** The status line's command. */
export function lineCommand({ script, platform }: Program): string {
  return `node ${platform === "win32" ? `"${script}"` : quoted(script)} status --line`;
}

function quoted(path: string): string {
  return /^[\w./@:+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** The event that a command line of ours is for, of whatever platform and place, also within JSON; undefined for others. */
export function eventOf(command: unknown): string | undefined {
  if (typeof command !== "string") return undefined;
  return /\bagent-relay(?:-hook['"]?|\.cjs\\?['"]? hook) \w+ (\w+)/.exec(command)?.[1];
}

/** Whether it is the status line's command. */
export function isLineCommand(command: unknown): boolean {
  return typeof command === "string" && /\bagent-relay\.cjs['"]? status --line$/.test(command);
}
