import type { Context } from "../context.ts";
import { newId } from "../id.ts";
import type { Message } from "../messages/message.ts";
import { iso } from "../time.ts";
import { createWait } from "./settle.ts";

/** Makes a wait for each message that has a deadline: if nobody has answered by then, this session is told once. */
export async function expectAnswers(context: Context, messages: readonly Message[]): Promise<void> {
  for (const message of messages) if (message.answer_by !== undefined) await expectAnswer(context, message);
}

async function expectAnswer(context: Context, { id, to_session: to, answer_by = "" }: Message): Promise<void> {
  if (to === null) return; // a broadcast has no deadline: no single recipient can be late
  const now = context.now();
  const wait = {
    id: newId("wait", now),
    session_id: context.session,
    agent_id: context.agent,
    any: false,
    quiet: true,
  };
  const conditions = [{ event: "answer" as const, id, session: to }];
  await createWait(context, {
    ...wait,
    conditions,
    state: "pending",
    created_at: iso(now),
    expires_at: iso(Date.parse(answer_by)),
  });
}
