// A command that an agent runs: it finds out which session it acts for, registers it, and says which it was.
import { Relay } from "../../dist/index.js";
import { say } from "./serve.mjs";

const relay = await Relay.open({ cwd: process.argv[2], durability: "process" });
const { pid } = await relay.agents.register();
say({ session: relay.session, agent: relay.agent, pid });
