// Many sessions in one process, each for one thing at a time.
import { Relay } from "../../dist/index.js";
import { serve } from "./serve.mjs";

const { dir } = JSON.parse(process.argv[2]);

function as(session) {
  return new Relay(dir, { session, agent: "claude", durability: "process" });
}

await serve({
  register: ({ session, ...options }) => as(session).agents.register(options),
  unregister: ({ session }) => as(session).agents.unregister(),
  unread: ({ session }) =>
    as(session)
      .messages.unread()
      .then(({ messages }) => messages),
});
