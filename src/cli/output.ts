import type { Message } from "../messages/message.ts";
import type { Relay } from "../relay.ts";
import { messageLines, newNotes, sessionsIn } from "../render/messages.ts";
import type { Cli } from "./cli.ts";

/** `data`: what `--json` says, if it is more than the messages. */
export async function tellMessages(
  cli: Cli,
  relay: Relay,
  messages: readonly Message[],
  data: unknown = messages,
): Promise<void> {
  const names = await relay.agents.names(sessionsIn(messages));
  const [me, now] = [relay.session ?? "", cli.now()];
  const lines = messages.map((message) => messageLines(message, me, names, now, newNotes(message, me, now)));
  await cli.say(data, cli.framed(lines));
  if (messages.length === 0) cli.io.err("No messages\n");
}
