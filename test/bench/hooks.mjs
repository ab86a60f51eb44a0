import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { fileURLToPath } from "node:url";
import { Relay } from "../../dist/index.js";
import { compared, inTurn, ms, percentile, ratio, runProcess } from "./measure.mjs";

const launcher = fileURLToPath(new URL("../../bin/agent-relay-hook", import.meta.url));
const session = "bench-1";

/** Runs a hook as a host does, five folders below the relay, and returns what it said. */
function hook(dir, event, input) {
  const cwd = `${dir}/a/b/c/d/e`;
  fs.mkdirSync(cwd, { recursive: true });
  const env = {
    PATH: `${process.execPath.replace(/\/[^/]*$/, "")}:/usr/bin:/bin`,
    HOME: dir,
    CLAUDE_CODE_SESSION_ID: session,
  };
  const { status, stdout, stderr } = spawnSync(launcher, ["claude", event], { cwd, env, input });
  if (status !== 0) throw new Error(`the hook ended with ${status}: ${stderr}`);
  return stdout.toString();
}

/** As bytes: to make them of a string is the caller's time, and 1 MB of it takes longer than the hook. */
const payload = (dir, size) =>
  Buffer.from(
    JSON.stringify({ session_id: session, cwd: dir, hook_event_name: "PostToolBatch", text: "x".repeat(size) }),
  );

async function silent(dir, size) {
  await new Relay(`${dir}/.relay`, { session }).agents.register();
  const input = payload(dir, size);
  const times = await inTurn(
    201,
    () => {
      if (hook(dir, "PostToolBatch", input) !== "") throw new Error("a hook with nothing to say spoke");
    },
    () => spawnSync("/bin/sh", ["-c", ":"], { input }),
  );
  const [p95, bare] = [percentile(times.a, 0.95), percentile(times.b, 0.95)];
  return { figure: `p95 ${ms(p95)} (sh -c : ${ms(bare)})`, budget: "p95 <= 5 ms", ok: p95 <= 5 };
}

async function withMail(dir) {
  const [me, other] = [session, "bench-2"].map(
    (name) => new Relay(`${dir}/.relay`, { session: name, durability: "process" }),
  );
  for (const each of [me, other]) await each.agents.register();
  const input = payload(dir, 1000);
  const times = { a: [], b: [] };
  for (let round = 0; round < 31; round++) {
    await other.send(`message ${round}`, { to: session });
    const one = await inTurn(
      1,
      () => {
        if (!hook(dir, "PostToolBatch", input).includes(`message ${round}`)) throw new Error("a hook told of no mail");
      },
      () => runProcess(["-e", "0"], dir),
    );
    times.a.push(...one.a);
    times.b.push(...one.b);
  }
  return compared(ratio(times), 2);
}

export const hookCases =
  process.platform === "win32"
    ? []
    : [
        { name: "hook, nothing to say, 1 KB of payload", run: (dir) => silent(dir, 1000) },
        { name: "hook, nothing to say, 100 KB of payload", run: (dir) => silent(dir, 100_000) },
        { name: "hook, nothing to say, 1 MB of payload", run: (dir) => silent(dir, 1_000_000) },
        { name: "hook that tells of mail", run: withMail },
      ];
