// Does one operation on the relay in `<home>/.relay`, and says "done" once it returned: node worker.mjs <name> <home> <plan>
import fs from "node:fs";
import { Relay } from "../../dist/index.js";
import { operations } from "./operations.mjs";
import { arm } from "./points.mjs";

const [name, home, plan] = process.argv.slice(2);
const { mode, ...options } = JSON.parse(plan);
const { session, run } = operations[name];
const say = (line) => fs.writeSync(1, `${line}\n`);

if (mode === "wait") {
  say("ready");
  fs.readSync(0, Buffer.alloc(1));
}
const finish = arm(home, mode, options);
try {
  await run(new Relay(`${home}/.relay`, { session }), say);
  finish();
  say("done");
} catch (error) {
  say(`failed ${error.code}: ${error.message}`);
}
