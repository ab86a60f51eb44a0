import { ancestors } from "./ancestors.ts";
import { type Context, readAgent } from "./context.ts";
import { RelayError } from "./errors.ts";
import { thread } from "./history.ts";
import { isFor, isLive, type Message } from "./message.ts";
import { place } from "./place.ts";
import { isSegment } from "./store/key.ts";

export const VERDICTS = ["allow", "deny"] as const;
export type Verdict = (typeof VERDICTS)[number];

/** What an answer to a question for permission says; undefined if it is none. */
export function verdictIn(content: string): Verdict | undefined {
  const word = content.trim().toLowerCase();
  return VERDICTS.find((verdict) => verdict === word);
}

/** The first answer that the session which was asked has given to a question for permission. */
export function answerIn(conversation: readonly Message[], { id, to_session }: Message): Message | undefined {
  return conversation.find((message) => message.reply_to === id && message.from_session === to_session);
}

/**
 * Throws unless `content` may be answered to a question for permission: by who was asked, and never by the agent that asks
 * or by what it has started (`refused`), within its time (`refused`), once (`conflict`), with one of the verdicts (`usage`).
 */
export async function checkVerdict(context: Context, asked: Message, content: string): Promise<void> {
  const { id } = asked;
  if (!isFor(context.session, asked) || (await isBelow(context, asked.from_session)))
    throw new RelayError("refused", `Cannot answer ${id}: who asks for permission does not give it`, {
      next: "the one who was asked has to answer, outside of the agent that asks",
    });
  if (!isLive(asked, context.now()))
    throw new RelayError("refused", `Cannot answer ${id}: its time is over, and what it asked for was denied`);
  if (verdictIn(content) === undefined)
    throw new RelayError("usage", `Cannot answer ${id} with that: it asks for one word, ${VERDICTS.join(" or ")}`, {
      next: `agent-relay reply ${id} deny`,
    });
  if (answerIn(await thread(context, id), asked))
    throw new RelayError("conflict", `Cannot answer ${id} twice: the first answer counts`);
}

/** Whether this process was started by the agent of that session. */
async function isBelow({ store }: Context, session: string): Promise<boolean> {
  const agent = isSegment(session) ? await readAgent(store, "agents", session) : undefined;
  if (!agent || agent.place !== place()) return false;
  return ancestors().some(({ pid, started }) => pid === agent.pid && started === agent.pid_started);
}
