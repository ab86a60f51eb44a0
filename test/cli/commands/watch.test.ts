import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { tempDir } from "../../support/cli.ts";
import { environment, present, run } from "../../support/command-process.ts";
import { drop } from "../../support/foreign-message.ts";
import { COMMAND } from "../../support/paths.ts";

/** A watcher as a process; `next` waits for more of what it prints. */
function watcher(cwd: string, session: string, ...args: string[]) {
  const child = spawn(process.execPath, [COMMAND, "watch", ...args], { cwd, env: environment(cwd, session) });
  onTestFinished(() => void child.kill("SIGKILL"));
  let printed = "";
  let errors = "";
  child.stdout.on("data", (chunk) => (printed += chunk));
  child.stderr.on("data", (chunk) => (errors += chunk));
  const until = async (what: RegExp) => {
    while (!what.test(printed + errors))
      await Promise.race([once(child.stdout, "data"), once(child.stderr, "data"), once(child, "exit")]);
    return printed;
  };
  return { child, until };
}

test("watch shows each message as it comes and marks it, and ends quietly at an interrupt", async () => {
  const cwd = tempDir();
  const { child, until } = watcher(cwd, "b", "--json");
  await present(cwd, "b");
  run(cwd, "a", ["send", "--to", "b", "first"]);
  await until(/first/);
  run(cwd, "a", ["send", "--to", "b", "second"]);
  const lines = (await until(/second/)).trim().split("\n");
  expect(lines.map((line) => JSON.parse(line).content)).toEqual(["first", "second"]);
  child.kill("SIGINT");
  expect(await once(child, "exit")).toEqual([130, null]);
  expect(run(cwd, "b", ["unread"]).stdout).toBe("0\n");
});

test("watch --exec gives the program the text on stdin and the facts in variables, and no shell sees any of it", async () => {
  const cwd = tempDir();
  const program = `${cwd}/on mail.mjs`;
  fs.writeFileSync(
    program,
    `import fs from "node:fs";
     const { AGENT_RELAY_FROM: from, AGENT_RELAY_MESSAGE_ID: id, AGENT_RELAY_TO: to } = process.env;
     fs.appendFileSync("got.jsonl", JSON.stringify({ text: fs.readFileSync(0, "utf8"), from, id, to, args: process.argv.slice(2) }) + "\\n");
     console.log("done");`,
  );
  const { until } = watcher(cwd, "b", "--exec", `${process.execPath} "${program}" '$(touch pwned)' ;`);
  await present(cwd, "b");
  const text = "$(touch pwned); `touch pwned` \u001b[2J";
  run(cwd, "a", ["send", "--to", "b", text]);
  await until(/done/);
  const got = JSON.parse(fs.readFileSync(`${cwd}/got.jsonl`, "utf8"));
  expect(got).toMatchObject({ text, from: "a", to: "b", args: ["$(touch pwned)", ";"] });
  expect(fs.existsSync(`${cwd}/pwned`)).toBe(false);
});

test("a program that fails leaves its message unread, and the next one is still handed over", async () => {
  const cwd = tempDir();
  fs.writeFileSync(`${cwd}/fail.mjs`, 'process.exit(process.env.AGENT_RELAY_KIND === "status" ? 3 : 0)');
  const { until } = watcher(cwd, "b", "--exec", `${process.execPath} fail.mjs`);
  await present(cwd, "b");
  run(cwd, "a", ["send", "--to", "b", "--kind", "status", "fails"]);
  await until(/stays unread, .* ended with 3/);
  run(cwd, "a", ["send", "--to", "b", "works"]);
  for (;;) if (run(cwd, "b", ["unread"]).stdout === "1\n") break;
  expect(run(cwd, "b", ["inbox"]).stdout).toContain("fails");
});

test("watch --exec with a program that is not there says so", async () => {
  const cwd = tempDir();
  run(cwd, "b", ["register"]);
  run(cwd, "a", ["send", "--to", "b", "hello"]);
  const { status, stderr } = run(cwd, "b", ["watch", "--exec", "no-such-program"]);
  expect(status).toBe(3);
  expect(stderr).toContain('Cannot run "no-such-program": there is no such program');
  expect(run(cwd, "b", ["unread"]).stdout).toBe("1\n");
});

test("watch --exec with a program that looks into the inbox waited for itself", async () => {
  const cwd = tempDir();
  const env = { PATH: process.env.PATH, HOME: cwd, AGENT_RELAY_SESSION: "b" };
  const command = (args: string[], session: string) =>
    spawnSync(process.execPath, [COMMAND, ...args], {
      cwd,
      env: { ...env, AGENT_RELAY_SESSION: session },
      encoding: "utf8",
    });
  command(["register"], "b");
  for (const text of ["first", "second"]) command(["send", "--to", "b", text], "a");
  const child = spawn(process.execPath, [COMMAND, "watch", "--exec", `${process.execPath} ${COMMAND} inbox`], {
    cwd,
    env,
  });
  let seen = "";
  child.stdout.on("data", (chunk) => (seen += chunk));
  child.stderr.on("data", (chunk) => (seen += chunk));
  while (!/second/.test(seen)) await once(child.stdout, "data");
  command(["send", "--to", "b", "third"], "a");
  while (!/third/.test(seen)) await once(child.stdout, "data");
  child.kill("SIGINT");
  await once(child, "close");
  expect(seen.match(/: (first|second|third)/g)).toEqual([": first", ": second", ": third"]);
  expect(seen).not.toMatch(/stays unread/);
  expect(command(["unread"], "b").stdout).toBe("0\n");
});

test("a message with a NUL in its sender's tool ended watch --exec for good", async () => {
  const cwd = tempDir();
  drop(`${cwd}/.relay`, "msg-1", { from_agent: "a\0b", to_session: "b" });
  const env = { PATH: process.env.PATH, HOME: cwd, AGENT_RELAY_SESSION: "b" };
  const child = spawn(process.execPath, [COMMAND, "watch", "--exec", "env"], { cwd, env });
  let seen = "";
  child.stdout.on("data", (chunk) => (seen += chunk));
  while (!/AGENT_RELAY_FROM_AGENT=ab\n/.test(seen)) await once(child.stdout, "data");
  child.kill("SIGINT");
  expect(await once(child, "close")).toEqual([130, null]);
});
