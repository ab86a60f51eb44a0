// A sender that is killed after its message was listed, and before it could be read.
import fs from "node:fs";
import { Relay } from "../../dist/index.js";
import { serve } from "./serve.mjs";

const { dir } = JSON.parse(process.argv[2]);
const relay = new Relay(dir, { session: "sender", agent: "claude" });

await serve({
  register: () => relay.agents.register(),

  send(options) {
    fs.renameSync = () => process.kill(process.pid, "SIGKILL");
    return relay.send("never heard", options);
  },
});
