import { TOPICS } from "./guides.ts";
import { VERBS } from "./verbs.ts";

interface Group {
  readonly title: string;
  readonly verbs: readonly string[];
  readonly example: string;
}

/** The verbs as help shows them: each in one group, the daily ones first. */
export const GROUPS: readonly Group[] = [
  {
    title: "Talk",
    verbs: ["send", "inbox", "unread", "reply", "ack", "read", "thread", "history", "withdraw", "watch"],
    example: 'agent-relay send --to codex --kind question "Which branch?"',
  },
  {
    title: "Share work",
    verbs: ["claim", "release", "claims", "check", "append", "task", "wait", "decide", "decisions"],
    example: 'agent-relay claim src/parser --reason "new grammar"',
  },
  {
    title: "See",
    verbs: ["status", "agents", "activity", "explain", "whoami", "show", "conflicts", "projects"],
    example: 'agent-relay status "on the parser"',
  },
  {
    title: "Set up",
    verbs: ["setup", "hook", "mcp", "guard", "daemon", "completions", "register", "heartbeat", "unregister", "trust"],
    example: "agent-relay setup --dry-run",
  },
  {
    title: "Over the network",
    verbs: ["serve", "login", "mirror", "invite", "members", "key"],
    example: "agent-relay --server http://127.0.0.1:4800 inbox",
  },
  {
    title: "Upkeep",
    verbs: [
      ...["doctor", "quarantine", "gc", "cleanup", "log", "export"],
      ...["finish", "reopen", "forget", "kill", "orphans"],
    ],
    example: "agent-relay doctor --fix",
  },
];

/** What `agent-relay help` prints: at most 80 wide. */
export function overview(): string {
  const groups = GROUPS.map(({ title, verbs, example }) => {
    const lines = verbs.map((verb) => line(verb, VERBS[verb]?.about ?? ""));
    return `${title}, as in: ${example}\n${lines.join("\n")}\n`;
  });
  const topics = Object.entries(TOPICS).map(([name, about]) => line(name, about));
  return `${INTRODUCTION}\n\n${groups.join("\n")}\nGuides: agent-relay help <topic>\n${topics.join("\n")}\n\n${ENDING}\n`;
}

function line(name: string, about: string): string {
  return `  ${name.padEnd(15)}${about}`;
}

const INTRODUCTION = `agent-relay: coding agents in one project find each other and talk.
Nothing to set up: your first send registers you. Usage: agent-relay <verb>`;

const ENDING = `Every verb takes --json, --session, --agent, --dir, --server and --help.
Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 conflict, 5 timed out,
6 refused, 7 limit.`;
