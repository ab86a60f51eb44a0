import { fileURLToPath } from "node:url";
import { compared, inTurn, ratio, runProcess } from "./measure.mjs";

const command = fileURLToPath(new URL("../../bin/agent-relay.cjs", import.meta.url));
const ROUNDS = 41;

async function againstBareNode(dir, args, budget) {
  const relay = [command, ...args, "--session", "bench-1", "--dir", `${dir}/.relay`];
  runProcess([command, "register", "--session", "bench-1", "--dir", `${dir}/.relay`], dir);
  runProcess([command, "register", "--session", "bench-2", "--dir", `${dir}/.relay`], dir);
  const times = await inTurn(
    ROUNDS,
    () => runProcess(relay, dir),
    () => runProcess(["-e", "0"], dir),
  );
  return compared(ratio(times), budget);
}

export const commandCases = [
  { name: "agent-relay unread, nothing there", run: (dir) => againstBareNode(dir, ["unread"], 1.4) },
  { name: "agent-relay send, durable", run: (dir) => againstBareNode(dir, ["send", "--to", "bench-2", "hello"], 1.7) },
];
