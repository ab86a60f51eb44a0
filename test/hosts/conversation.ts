import type { Case } from "./case.ts";
import type { RealHost } from "./hosts.ts";

/** What peers write while the host works; no other text has these words in it. */
export const MAIL = {
  start: "MAIL-BEFORE-IT-STARTED",
  tool: "MAIL-WHILE-A-TOOL-RAN",
  hold: "MAIL-AT-THE-END-OF-THE-TURN",
  prompt: "MAIL-BETWEEN-TWO-PROMPTS",
} as const;

export const REASON = "WHY-IT-IS-CLAIMED";
export const FILE = "claimed.txt";

/** What came of it. */
export interface Conversation {
  /** How each of its two runs ended; undefined where it hung. */
  readonly codes: readonly (number | undefined)[];
  /** What the model was sent, request by request, at each of the two prompts. */
  readonly first: readonly string[];
  readonly second: readonly string[];
  /** Of the first: those for the tool, for the edit that is denied, for the edit that is made, and for the last word. */
  readonly asked: readonly string[];
  /** Of the first: those after the last word. */
  readonly held: readonly string[];
  /** The file after the edit that was to be denied, and after the same edit when nobody claimed it any more. */
  readonly denied: string | undefined;
  readonly edited: string | undefined;
  readonly session: string;
  /** The ids of the messages, by their text. */
  readonly ids: Readonly<Record<string, string>>;
}

/**
 * One session with two prompts. At the first the model runs a tool, edits what another agent has claimed, edits it again when
 * it is free, and is done. That other agent, "bob", writes before, while the tool runs, when the model is done, and between.
 */
export async function converse(host: RealHost, at: Case): Promise<Conversation> {
  const { stub, project } = at;
  const ids: Record<string, string> = {};
  const bob = (verb: string, ...args: string[]) => at.relay(verb, "--session", "bob", ...args);
  const send = async (text: string, ...to: string[]) => {
    ids[text] = (await bob("send", ...to, text)).split(" ")[0] ?? "";
  };
  const file = `${project}/${FILE}`;
  const tool = at.gate("tool");
  let denied: string | undefined;
  let session = "";

  await bob("register", "--agent", "codex", "--pid", String(process.pid));
  await bob("claim", FILE, "--reason", REASON);
  await send(MAIL.start);
  if (host.read) stub.will({ answer: host.read(file) });
  stub.will(
    {
      answer: host.shell(tool.command),
      after: async () => {
        await tool.started();
        await send(MAIL.tool);
        tool.end();
      },
    },
    { answer: host.edit(file, "before", "after") },
    {
      before: async () => {
        denied = at.file(FILE);
        await bob("release", FILE);
      },
      answer: host.edit(file, "before", "after"),
    },
    {
      before: async () => {
        session = await otherThanBob(at);
        await send(MAIL.hold, "--to", session);
      },
      answer: { text: "done" },
    },
  );
  const count = stub.left;
  const codes = [await at.host(host.first("begin"))];
  const first = [...stub.turns];
  await send(MAIL.prompt);
  codes.push(await at.host(host.again("go on")));
  const second = stub.turns.slice(first.length);
  const [asked, held] = [first.slice(host.read ? 1 : 0, count), first.slice(count)];
  return { codes, first, second, asked, held, denied, edited: at.file(FILE), session, ids };
}

/** The session of the host itself, as the relay knows it. */
async function otherThanBob(at: Case): Promise<string> {
  const agents: readonly { session_id: string }[] = JSON.parse(await at.relay("agents", "--json"));
  return agents.find(({ session_id }) => session_id !== "bob")?.session_id ?? "nobody";
}
