import type { RealHost } from "./hosts.ts";
import { Peer } from "./peer.ts";
import type { Case } from "./project.ts";
import type { Step } from "./stub.ts";

/** What is written by a tool, and to who has tools; no other text has these words in it. */
export const WORDS = {
  start: "WORDS-BEFORE-IT-STARTED",
  sent: "WORDS-OF-THE-MODEL",
  meanwhile: "WORDS-WHILE-THE-MODEL-THOUGHT",
} as const;

/** What came of a run in which the model uses the tools. */
export interface Work {
  /** How it ended; undefined where it hung. */
  readonly code: number | undefined;
  /** What git said before setup, and after it was taken away. */
  readonly status: readonly string[];
  /** What the model was sent, request by request. */
  readonly turns: readonly string[];
  /** Who was here at each of them beside the peer, and after the last. */
  readonly present: readonly (readonly Present[])[];
  /** How many messages were unread for the host's session when the model was done. */
  readonly unread: string;
  /** What the peer found in its inbox. */
  readonly heard: readonly { readonly from_session: string; readonly content: string }[];
}

export interface Present {
  readonly session_id: string;
  readonly agent_id: string;
  readonly pid: number;
  readonly presence: string;
}

/** With hooks, too: the model sends a message by a tool, and reads by another what was sent to it meanwhile. */
export function toolsAndHooks(host: RealHost, at: Case): Promise<Work> {
  return work(host, at, [], async (bob) => [
    { answer: host.mcp("send", { text: WORDS.sent, to: ["bob"] }) },
    {
      before: async () => bob.sends(WORDS.meanwhile, "--to", await bob.finds()),
      answer: host.mcp("inbox", {}),
    },
  ]);
}

/** Without hooks: the model asks who it is, and reads what was sent before it came. */
export function toolsAlone(host: RealHost, at: Case): Promise<Work> {
  return work(host, at, ["--no-hooks"], async (bob) => {
    await bob.sends(WORDS.start);
    return [{ answer: host.mcp("whoami", {}) }, { answer: host.mcp("inbox", {}) }];
  });
}

async function work(
  host: RealHost,
  at: Case,
  flags: readonly string[],
  begin: (bob: Peer) => Promise<readonly Step[]>,
): Promise<Work> {
  const bob = new Peer(at);
  const present: (readonly Present[])[] = [];
  const look = async () => {
    const all: readonly Present[] = JSON.parse(await bob.types("agents", "--json"));
    present.push(all.filter(({ session_id }) => session_id !== "bob"));
  };
  const before = await at.status();
  await install(host, at, flags);
  await bob.comes();
  let unread = "";
  const last: Step = {
    before: async () => {
      unread = (await at.relay("unread", "--session", await bob.finds())).trim();
    },
    answer: { text: "done" },
  };
  for (const step of [...(await begin(bob)), last])
    at.stub.will({
      ...step,
      before: async () => {
        await look();
        await step.before?.();
      },
    });
  const code = await at.host(host.first("begin"));
  await look();
  const { items }: Inbox = JSON.parse(await bob.types("inbox", "--json"));
  await at.relay("setup", "--remove");
  const status = [before, await at.status()];
  return { code, status, turns: at.stub.turns, present, unread, heard: items.map(({ message }) => message) };
}

interface Inbox {
  readonly items: readonly { readonly message: Work["heard"][number] }[];
}

/** Runs setup, and types what it says is to be typed. */
async function install(host: RealHost, at: Case, flags: readonly string[]): Promise<void> {
  const { asks }: { asks: readonly string[] } = JSON.parse(
    await at.relay("setup", host.name, "--mcp", ...flags, "--json"),
  );
  for (const ask of asks) {
    const [, line] = /of the MCP server, type: (.+)$/.exec(ask) ?? [];
    if (line !== undefined && (await at.shell(line)) !== 0) throw new Error(`it does not work: ${line}`);
  }
}
