// Asks a question and waits for the answer, at most ten seconds. Usage: node wait-for-reply.mjs [folder]
import { Relay } from "agent-relay";

const dir = `${process.argv[2] ?? "."}/.relay`;
const asker = new Relay(dir, { session: "asker", agent: "codex" });
const expert = new Relay(dir, { session: "expert", agent: "claude" });
await expert.agents.register();

const question = await asker.send("Which port does the server use?", { to: "expert", kind: "question" });
const [answer] = await Promise.all([waitForReply(asker, question.id), answerOne(expert)]);
console.log(answer ? `The answer is: ${answer.content}` : "No answer within ten seconds");

/** The first message that answers `id`, or undefined. A wait that ends leaves other mail unread. */
async function waitForReply(relay, id) {
  for await (const message of relay.watch({ signal: AbortSignal.timeout(10_000), mark: false }))
    if (message.reply_to === id) {
      await relay.messages.markRead(message.id);
      return message;
    }
}

async function answerOne(relay) {
  for await (const message of relay.watch()) return relay.reply(message.id, "Port 4800");
}
