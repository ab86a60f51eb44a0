// A sender that stands still right after it has listed the members, until a file is there.
import fs from "node:fs";
import { Relay } from "../../dist/index.js";
import { say, serve } from "./serve.mjs";

const { dir } = JSON.parse(process.argv[2]);
const relay = new Relay(dir, { session: "slow-sender", agent: "claude", durability: "process" });
const { readdirSync } = fs;

await serve({
  register: () => relay.agents.register(),

  send({ until }) {
    fs.readdirSync = (folder, options) => {
      const names = readdirSync(folder, options);
      if (folder !== `${dir}/agents`) return names;
      fs.readdirSync = readdirSync;
      say("has listed the members");
      while (!fs.existsSync(until)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      return names;
    };
    return relay.send("news");
  },
});
