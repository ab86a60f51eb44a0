import { setTimeout as sleep } from "node:timers/promises";
import type { RealHost } from "./hosts.ts";
import { Peer } from "./peer.ts";
import type { Case } from "./project.ts";

/** What peers write while the host works; no other text has these words in it. */
export const MAIL = {
  start: "MAIL-BEFORE-IT-STARTED",
  tool: "MAIL-WHILE-A-TOOL-RAN",
  hold: "MAIL-AT-THE-END-OF-THE-TURN",
  prompt: "MAIL-BETWEEN-TWO-PROMPTS",
} as const;

export const REASON = "WHY-IT-IS-CLAIMED";
export const FILE = "claimed.txt";

const LIMIT = 20_000; // ms until a turn that is held goes on

/** What came of two runs. */
export interface Conversation {
  /** What git said before setup, and after it was taken away. */
  readonly status: readonly string[];
  /** How each run ended; undefined where it hung. */
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
  readonly ids: ReadonlyMap<string, string>;
}

/**
 * One session, a run for each of two prompts. At the first the model runs a tool, edits what another agent has claimed, edits
 * it again when it is free, and is done. That other agent writes before, while the tool runs, when the model is done, and
 * between the runs.
 */
export async function twoRuns(host: RealHost, at: Case): Promise<Conversation> {
  const { stub, project } = at;
  const bob = new Peer(at);
  const file = `${project}/${FILE}`;
  const tool = at.gate("tool");
  let denied: string | undefined;
  let session = "";

  const before = await at.status();
  await at.relay("setup", host.takes ?? host.name);
  await bob.comes();
  await bob.types("claim", FILE, "--reason", REASON);
  await bob.sends(MAIL.start);
  if (host.read) stub.will({ answer: host.read(file) });
  stub.will(
    {
      answer: host.shell(tool.command),
      after: async () => {
        await tool.started();
        await bob.sends(MAIL.tool);
        tool.end();
      },
    },
    { answer: host.edit(file, "before", "after") },
    {
      before: async () => {
        denied = at.file(FILE);
        await bob.types("release", FILE);
      },
      answer: host.edit(file, "before", "after"),
    },
    {
      before: async () => {
        session = await bob.finds();
        await bob.sends(MAIL.hold, "--to", session);
      },
      answer: { text: "done" },
    },
  );
  const count = stub.left;
  const codes = [await at.host(host.first("begin"))];
  const first = [...stub.turns];
  await bob.sends(MAIL.prompt);
  codes.push(await at.host(host.again("go on")));
  await at.relay("setup", "--remove");

  const second = stub.turns.slice(first.length);
  const [asked, held] = [first.slice(host.read ? 1 : 0, count), first.slice(count)];
  const edited = at.file(FILE);
  return {
    status: [before, await at.status()],
    codes,
    first,
    second,
    asked,
    held,
    denied,
    edited,
    session,
    ids: bob.sent,
  };
}

/**
 * The requests of one run with three prompts: a peer writes before it, between the first two, and when the model is done with
 * the second. After the third no turn is held any more.
 */
export async function oneRun(host: RealHost, at: Case): Promise<readonly string[]> {
  const { stub } = at;
  const bob = new Peer(at);
  await at.relay("setup", host.name);
  await bob.comes();
  await bob.sends(MAIL.start);
  await at.talk(async (say) => {
    await say("begin");
    await bob.sends(MAIL.prompt, "--to", await bob.finds());
    stub.will({
      before: async () => bob.sends(MAIL.hold, "--to", await bob.finds()),
      answer: { text: "done" },
    });
    await say("go on");
    // One more comes where the turn is held: for OpenCode after the turn that it answers for.
    for (const limit = Date.now() + LIMIT; stub.turns.length < 3 && Date.now() < limit; ) await sleep(50);
    await say("and then");
  });
  return stub.turns;
}
