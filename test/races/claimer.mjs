// One agent that claims, in a process of its own.
import fs from "node:fs";
import { Relay } from "../../dist/index.js";
import { serve } from "./serve.mjs";

const { dir, session, ownPid } = JSON.parse(process.argv[2]);
const relay = new Relay(dir, {
  ...{ session, agent: "claude", durability: "process" },
  ...(ownPid ? { pid: process.pid } : {}),
});

await serve({
  register: () => relay.agents.register(),
  release: () => relay.claims.releaseAll(),

  /** The token, or null if another has it. */
  async race({ resource }) {
    try {
      return (await relay.claim([], { resources: [resource] })).token;
    } catch (error) {
      if (error.code === "conflict") return null;
      throw error;
    }
  },

  /** Waits in line; the token. */
  async wait({ resource }) {
    return (await relay.claim([], { resources: [resource], waitMs: 120_000 })).token;
  },

  async waitAndPassOn({ resource }) {
    const { token } = await relay.claim([], { resources: [resource], waitMs: 120_000 });
    await relay.release([], { resources: [resource] });
    return token;
  },

  /** Claims each path in turn, and is then where only one may be, which a file that only one can make says. */
  async enter({ paths, witness }) {
    for (const path of paths) {
      await relay.claim(path, { waitMs: 120_000 });
      fs.closeSync(fs.openSync(witness, "wx")); // throws if another is inside
      fs.appendFileSync(`${witness}.log`, "entered\n");
      fs.unlinkSync(witness);
      await relay.release(path);
    }
  },
});
