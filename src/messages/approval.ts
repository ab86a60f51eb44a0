import { isSameProcess, processesOf } from "../agents/processes.ts";
import { find } from "../agents/registry.ts";
import type { Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { shortId } from "../id.ts";
import { ancestors } from "../machine/ancestors.ts";
import { place } from "../machine/process.ts";
import { isSegment } from "../store/key.ts";
import { isFor, isLive, type Message, type PermissionVerdict, VERDICTS, withVerdict } from "./message.ts";
import { stamp } from "./receipts.ts";

/** The verdict in an answer to a `permission` message; undefined if it holds none. */
export function verdictIn(content: string): PermissionVerdict | undefined {
  const word = content.trim().toLowerCase();
  return VERDICTS.find((verdict) => verdict === word);
}

/**
 * Decides a `permission` message by the answer to it. Its recipient answers, and never the agent that asks or a process
 * that agent started, as far as this machine shows that (`refused`); in time (`refused`), once (`conflict`), with one
 * of the verdicts (`usage`). Of several answers at once exactly one decides.
 */
export async function decideBy(context: Context, asked: Message, content: string): Promise<void> {
  const { id } = asked;
  const verdict = verdictIn(content);
  if (!isFor(context.session, asked) || (await isBelow(context, asked.from_session)))
    throw new RelayError("refused", `Cannot answer ${shortId(id)}: who asks for permission does not give it`, {
      next: "the one who was asked has to answer, outside of the agent that asks",
    });
  if (verdict === undefined)
    throw new RelayError(
      "usage",
      `Cannot answer ${shortId(id)} with that: it asks for one word, ${VERDICTS.join(" or ")}`,
      {
        next: `agent-relay reply ${shortId(id)} deny`,
      },
    );
  await stamp(context, asked, (message, session, at) => {
    if (!isLive(message, at))
      throw new RelayError(
        "refused",
        `Cannot answer ${shortId(id)}: its time is over, and what it asked for was denied`,
      );
    return withVerdict(message, session, verdict, at);
  });
}

/** Whether the agent of `session` started this process, also if that session has ended since. */
async function isBelow(context: Context, session: string): Promise<boolean> {
  const agent = isSegment(session) ? await find(context, session) : undefined;
  const above = ancestors().map(({ pid, started }) => ({ pid, started, place: place() }));
  return (agent ? processesOf(agent) : []).some((process) => above.some((one) => isSameProcess(one, process)));
}
