import { execFile, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { TOOLS } from "../../src/mcp/server.ts";
import { installed } from "../real-hosts/packages.ts";
import { tempDir } from "../support/cli.ts";
import { started } from "../support/mcp-clients.ts";
import { Bridge } from "../support/mcp-over-http.ts";
import { COMMAND } from "../support/paths.ts";

const NODE = "node@24.21.0"; // both programs want Node 22 at least
const CONFORMANCE = "@modelcontextprotocol/conformance@0.1.16";
const INSPECTOR = "@modelcontextprotocol/inspector@2.12.0";

/** What our server does not offer, and says so by not declaring it. */
const NOT_OFFERED = /^(prompts-|logging-set-level$|completion-complete$|tools-call-with-logging$)/;

interface Program {
  readonly node: string;
  readonly script: string;
}

/** Where a program of a package is, and the Node to run it with; undefined, with a line that says why, where it cannot be had. */
function program(name: string, spec: string, command: string): Program | undefined {
  const isNewEnough = Number(process.versions.node.split(".")[0]) >= 22;
  const node = isNewEnough ? { folder: "" } : installed("node", NODE);
  const found = installed(name, spec);
  for (const each of [node, found])
    if ("whyNot" in each) {
      console.log(`skipped: ${each.whyNot}`);
      return undefined;
    }
  if ("whyNot" in node || "whyNot" in found) return undefined;
  return {
    node: isNewEnough ? process.execPath : path.join(node.folder, "node"),
    script: path.join(found.folder, command),
  };
}

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function run({ node, script }: Program, cwd: string, args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const env = { ...process.env, PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH}`, HOME: cwd };
    execFile(node, [script, ...args], { cwd, env, timeout: 300_000, maxBuffer: 1e8 }, (error, out, err) =>
      resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, out, err }),
    );
  });
}

interface Check {
  readonly scenario: string;
  readonly status: "SUCCESS" | "FAILURE" | "INFO" | "WARNING" | "SKIPPED";
  readonly errorMessage?: string;
}

/** What the suite wrote of each scenario. */
function checksIn(folder: string): Check[] {
  return fs.readdirSync(folder).flatMap((name) => {
    const [, scenario = ""] = /^server-(.+)-\d{4}-\d\d-\d\dT/.exec(name) ?? [];
    const found: readonly Check[] = JSON.parse(fs.readFileSync(path.join(folder, name, "checks.json"), "utf8"));
    return found.map((check) => ({ ...check, scenario }));
  });
}

/** Whether it failed because it calls what only the suite's own example server has, or what ours does not say it offers. */
function isExplained({ scenario, errorMessage = "" }: Check): boolean {
  return NOT_OFFERED.test(scenario)
    ? errorMessage.includes("Method not found")
    : /Tool test_\w+ not found|not found: test:|changes of test:/.test(errorMessage);
}

test("the protocol's conformance suite passes, but for what it asks of its own example server", async ({ skip }) => {
  const suite = program("conformance", CONFORMANCE, "conformance");
  if (!suite) return skip();
  const cwd = tempDir();
  const { args, env } = started(cwd, { AGENT_RELAY_SESSION: "ann", AGENT_RELAY_DIR: `${cwd}/.relay` });
  const bridge = new Bridge(() => spawn(process.execPath, args, { cwd, env, stdio: ["pipe", "pipe", "inherit"] }));
  onTestFinished(() => bridge.close());
  const url = await bridge.listen();
  await run(suite, cwd, ["server", "--url", url, "--output-dir", `${cwd}/results`]);
  const checks = checksIn(`${cwd}/results`);
  const passed = checks.filter(({ status }) => status === "SUCCESS").map(({ scenario }) => scenario);
  const failed = checks.filter(({ status }) => status !== "SUCCESS" && status !== "INFO");
  expect(passed).toEqual(expect.arrayContaining(["server-initialize", "ping", "tools-list", "resources-list"]));
  expect(failed.filter((check) => !isExplained(check))).toEqual([]);
  console.log(`conformance: ${passed.length} checks passed, ${failed.length} want the suite's example server`);
});

describe("the inspector's command line", () => {
  const inspector = program("inspector", INSPECTOR, "mcp-inspector");

  async function inspect(cwd: string, ...args: string[]): Promise<Ran & { readonly result: Record<string, unknown> }> {
    if (!inspector) throw new Error("no inspector");
    const server = [process.execPath, COMMAND, "mcp"];
    const env = ["-e", "AGENT_RELAY_SESSION=ann", "-e", `AGENT_RELAY_DIR=${cwd}/.relay`];
    const ran = await run(inspector, cwd, ["--cli", ...server, ...env, ...args]);
    return { ...ran, result: ran.out === "" ? {} : JSON.parse(ran.out) };
  }

  test.skipIf(!inspector)("lists every tool, and finds nothing in the schemas that a host might not take", async () => {
    const { result, err, code } = await inspect(tempDir(), "--method", "tools/list", "--strict");
    expect([code, err]).toEqual([0, ""]);
    expect((result.tools as { name: string }[]).map(({ name }) => name)).toEqual(TOOLS.map(({ name }) => name));
  });

  test.skipIf(!inspector)("calls tools, and hears of their errors", async () => {
    const cwd = tempDir();
    const call = async (name: string, ...args: string[]) =>
      (await inspect(cwd, "--method", "tools/call", "--tool-name", name, ...args)).result;
    expect((await call("whoami")).structuredContent).toMatchObject({ session_id: "ann" });
    const sent = await call("send", "--tool-arg", "text=hello");
    expect(sent.structuredContent).toMatchObject({ ids: [expect.any(String)] });
    const refused = await call("claim", "--tool-arg", 'paths=["/"]');
    expect(refused).toMatchObject({ isError: true, structuredContent: { error: { code: "usage" } } });
  });

  test.skipIf(!inspector)("reads resources, and lists their templates", async () => {
    const cwd = tempDir();
    const { result } = await inspect(cwd, "--method", "resources/read", "--uri", "relay://inbox");
    expect(result).toMatchObject({ contents: [{ uri: "relay://inbox", text: "No unread messages\n" }] });
    const templates = await inspect(cwd, "--method", "resources/templates/list");
    expect(JSON.stringify(templates.result)).toContain("relay://message/{id}");
  });
});
