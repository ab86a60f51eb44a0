// Two agents in one project find each other and talk. Usage: node two-agents.mjs [folder]
import { Relay } from "agent-relay";

const dir = `${process.argv[2] ?? "."}/.relay`;
const claude = new Relay(dir, { session: "claude-1", agent: "claude", role: "builder" });
const gemini = new Relay(dir, { session: "gemini-1", agent: "gemini", role: "reviewer" });
await claude.agents.register();
await gemini.agents.register();

await claude.send("I start on the parser");
const question = await claude.send("Can you review src/parser.ts?", { to: "role:reviewer", kind: "question" });

for (const { message } of (await gemini.inbox()).items) {
  console.log(`gemini reads from ${message.from_agent}: ${message.content}`);
  if (message.kind === "question") await gemini.reply(message.id, "Yes, in five minutes");
}

for (const { content, reply_to } of (await claude.messages.unread()).messages)
  if (reply_to === question.id) console.log(`claude is answered: ${content}`);

for (const agent of await claude.agents.list()) console.log(`${agent.name} (${agent.agent_id}) is ${agent.presence}`);
