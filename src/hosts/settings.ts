/** What a host is given to run: a line for a shell or, where it starts programs itself, a program with its arguments. */
export interface HookCommand {
  readonly command: string;
  readonly args?: readonly string[];
}

/** The command for an event. */
export type Command = (event: string, tool?: "edit" | "shell") => HookCommand;

/** What a hook's line does where the launcher is gone: nothing, or answers with an empty object. */
export type Guard = "silent" | "empty";

/** Where a host keeps its hooks, and how it writes them. */
export interface HostSetup {
  readonly agent: string;
  /** Programs and folders (below the home folder) that say it is installed. */
  readonly programs: readonly string[];
  readonly folders: readonly string[];
  /** The file with its hooks, relative to the project, and to the home folder. */
  readonly projectFile: string;
  readonly userFile: string;
  /** The file in the project that a team commits, if `projectFile` is each one's own. */
  readonly sharedFile?: string;
  /** The text of the whole file, if that file is ours alone. */
  readonly text?: (code: string, words: readonly string[], wakes: boolean) => string;
  /** The settings that this file has to hold. */
  settings(command: Command): readonly Setting[];
  /** Further settings for it, if an idle agent is to be woken. */
  waking?(command: Command): readonly Setting[];
  /** Where it is told of MCP servers. */
  readonly mcp: McpSetup;
  /** Where hooks may be switched off. */
  readonly off?: OffSwitch;
  /** Necessary where it minds exit code 127, the shell's code if the launcher is gone. */
  guard?(event: string): Guard | undefined;
  /** It starts a hook's program itself, without a shell, where it is given arguments. */
  readonly startsPrograms?: boolean;
  /** What its settings may have besides JSON; a file with anything else it drops whole. Default nothing. */
  readonly bears?: JsonDialect;
  /** What a person still has to do in that host. */
  readonly asks?: string;
  /** The folder in a project, and in the home folder, in which it looks for skills. */
  readonly skills: string;
  /** Its settings may hold a status line, as Claude Code's do. */
  readonly hasStatusLine?: boolean;
}

export interface JsonDialect {
  readonly comments: boolean;
  readonly trailingCommas: boolean;
}

/** Where a host keeps its MCP servers. Without a file of their own they stand in the file with the hooks. */
export interface McpSetup {
  readonly projectFile?: string;
  readonly userFile?: string;
  readonly path: readonly string[];
  /** The value at `path` that names our server. */
  entry(words: readonly string[]): unknown;
  /** The settings that the host itself adds to such a file. */
  readonly defaults?: readonly Setting[];
  /** What a person types instead, if we must not write the file. */
  readonly typed?: TypedCommand;
}

export interface TypedCommand {
  readonly when: "always" | "user";
  readonly command: string;
  readonly undo: string;
  /** The file below the home folder that `command` writes, and a text that it then holds. */
  readonly file: string;
  readonly mark: string;
}

/** A value in a settings file: where it stands, and what it is. */
export interface Setting {
  readonly path: readonly string[];
  readonly value: unknown;
  /** The value is one more element of the list at `path`. */
  readonly isElement?: boolean;
  /** Any value that stands there already is as good. */
  readonly isDefault?: boolean;
}

/** A setting that is one more element of the list at `path`. */
export const element = (path: readonly string[], value: unknown): Setting => ({ path, value, isElement: true });

/** How most hosts name an MCP server, and where. */
export const serverAt = (words: readonly string[]) => ({ command: words[0], args: words.slice(1) });
export const SERVERS = ["mcpServers", "agent-relay"];

/** A host's file of MCP servers, set up as if it were its file of hooks; undefined if there is none that we write. */
export function mcpFile(host: HostSetup, words: readonly string[], isUser: boolean): HostSetup | undefined {
  const { mcp } = host;
  const file = isUser ? mcp.userFile : mcp.projectFile;
  if (file === undefined) return undefined;
  const { agent, programs, folders, skills, bears } = host;
  const settings = () => [...(mcp.defaults ?? []), { path: mcp.path, value: mcp.entry(words) }];
  return {
    agent,
    programs,
    folders,
    skills,
    projectFile: file,
    userFile: file,
    settings,
    mcp,
    ...(bears && { bears }),
  };
}

/** The files that may switch all hooks of a host off. The first file in which `isOff` is not undefined decides. */
export interface OffSwitch {
  readonly projectFiles: readonly string[];
  readonly userFile: string;
  isOff(settings: Readonly<Record<string, unknown>>): boolean | undefined;
}
