import type { Describe, Plain, Verb } from "./command.ts";

/** A file of `commands/`. */
export interface VerbModule {
  readonly run: Verb;
  readonly describe: Describe;
  /** Of the verbs that can start without the command parser: the same flags for `util.parseArgs`. */
  readonly options?: Plain<never>["options"];
}

/** Every verb, with what `--help` says of it. Only the one in use is loaded. */
export const VERBS: Readonly<Record<string, { readonly about: string; readonly load: () => Promise<VerbModule> }>> = {
  send: { about: "send a message to everyone, or --to some", load: () => import("./commands/send.ts") },
  inbox: { about: "show what waits for you, and mark it as read", load: () => import("./commands/inbox.ts") },
  unread: { about: "count what waits for you", load: () => import("./commands/unread.ts") },
  reply: { about: "answer a message", load: () => import("./commands/reply.ts") },
  ack: { about: "say that a message was dealt with", load: () => import("./commands/ack.ts") },
  read: { about: "show one message whole", load: () => import("./commands/read.ts") },
  thread: { about: "show a whole conversation", load: () => import("./commands/thread.ts") },
  history: { about: "show messages sent and received", load: () => import("./commands/history.ts") },
  withdraw: { about: "take back a message", load: () => import("./commands/withdraw.ts") },
  claim: { about: "reserve files, folders, globs or resources", load: () => import("./commands/claim.ts") },
  release: { about: "give back what you claimed", load: () => import("./commands/release.ts") },
  claims: { about: "show what is claimed, by whom, until when", load: () => import("./commands/claims.ts") },
  check: { about: "ask whether something is free, without taking it", load: () => import("./commands/check.ts") },
  append: { about: "add to a file that many write", load: () => import("./commands/append.ts") },
  task: { about: "share work: add, list, next, claim, done, ...", load: () => import("./commands/task.ts") },
  wait: { about: "wait until others have acted", load: () => import("./commands/wait.ts") },
  setup: { about: "install hooks and a skill for your agents", load: () => import("./commands/setup.ts") },
  guard: { about: "refuse commits of what others claimed", load: () => import("./commands/guard.ts") },
  conflicts: { about: "list files changed in several worktrees", load: () => import("./commands/conflicts.ts") },
  daemon: { about: "start an agent when mail comes for it", load: () => import("./commands/daemon.ts") },
  mcp: { about: "serve the relay as MCP tools", load: () => import("./commands/mcp.ts") },
  serve: { about: "serve the relay to other machines", load: () => import("./commands/serve.ts") },
  mirror: { about: "keep the relay here and a server's the same", load: () => import("./commands/mirror.ts") },
  login: { about: "let this machine use a server's relay", load: () => import("./commands/login.ts") },
  invite: { about: "let somebody log in to this relay's server", load: () => import("./commands/invite.ts") },
  members: { about: "show or change who may log in", load: () => import("./commands/members.ts") },
  key: { about: "show this machine's public key", load: () => import("./commands/key.ts") },
  hook: { about: "answer a hook of a coding agent", load: () => import("./commands/hook.ts") },
  status: { about: "show who does what; or say what you do", load: () => import("./commands/status.ts") },
  decide: { about: "write down a decision and tell everyone", load: () => import("./commands/decide.ts") },
  decisions: { about: "show what was decided", load: () => import("./commands/decisions.ts") },
  log: { about: "write a note to the log", load: () => import("./commands/log.ts") },
  activity: { about: "show what happened, or the state at a time", load: () => import("./commands/activity.ts") },
  explain: { about: "show the whole life of one thing", load: () => import("./commands/explain.ts") },
  agents: { about: "show who is here", load: () => import("./commands/agents.ts") },
  watch: { about: "show messages as they come, or run a program for each", load: () => import("./commands/watch.ts") },
  whoami: { about: "explain who you are and which relay this is", load: () => import("./commands/whoami.ts") },
  doctor: { about: "look whether anything is wrong, and mend it", load: () => import("./commands/doctor.ts") },
  gc: { about: "remove what is no longer kept", load: () => import("./commands/gc.ts") },
  show: { about: "print sessions, mail, claims or the timeline as Markdown", load: () => import("./commands/show.ts") },
  export: { about: "write everything to a folder", load: () => import("./commands/export.ts") },
  projects: { about: "list the relays you have used", load: () => import("./commands/projects.ts") },
  finish: { about: "end this project's work", load: () => import("./commands/finish.ts") },
  reopen: { about: "take a finished project up again", load: () => import("./commands/reopen.ts") },
  forget: { about: "remove this project's whole relay", load: () => import("./commands/forget.ts") },
  register: { about: "make yourself known (a first send does it too)", load: () => import("./commands/register.ts") },
  heartbeat: { about: "say that you live; renew claims and tasks", load: () => import("./commands/heartbeat.ts") },
  unregister: { about: "say that you left; your mail is kept", load: () => import("./commands/unregister.ts") },
  kill: { about: "ask another agent's process to end", load: () => import("./commands/kill.ts") },
  orphans: { about: "list what hosts have left behind", load: () => import("./commands/orphans.ts") },
  trust: { about: "let a relay made elsewhere reach your agents", load: () => import("./commands/trust.ts") },
  cleanup: { about: "remove dead agents and old messages", load: () => import("./commands/cleanup.ts") },
  completions: { about: "print completions for your shell", load: () => import("./commands/completions.ts") },
};
