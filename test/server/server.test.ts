import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Inbox } from "../../src/messages/inbox.ts";
import { tempDir } from "../support/cli.ts";
import { COMMAND } from "../support/paths.ts";

/** One user's machine: a home, and a folder to work in. */
class Machine {
  readonly home = tempDir();
  readonly env: Record<string, string> = { PATH: process.env.PATH ?? "", HOME: this.home, USER: "ann" };

  run(...args: string[]) {
    const { stdout, stderr, status } = spawnSync(process.execPath, [COMMAND, ...args], {
      cwd: this.home,
      env: this.env,
      encoding: "utf8",
    });
    return { out: stdout, err: stderr, code: status };
  }

  /** Starts a server, and waits until it says where it is. */
  async serve(...args: string[]): Promise<Server> {
    const child = spawn(process.execPath, [COMMAND, "serve", "--port", "0", ...args], {
      cwd: this.home,
      env: this.env,
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    const server = new Server(child, this);
    await expect.poll(() => server.port).toBeGreaterThan(0);
    return server;
  }
}

class Server {
  readonly child: ChildProcess;
  readonly machine: Machine;
  out = "";
  err = "";

  constructor(child: ChildProcess, machine: Machine) {
    this.child = child;
    this.machine = machine;
    child.stdout?.on("data", (data) => (this.out += data));
    child.stderr?.on("data", (data) => (this.err += data));
  }

  get port(): number {
    return Number(/:(\d+)\n/.exec(this.out)?.[1] ?? 0);
  }

  get token(): string {
    const file = `${this.machine.home}/.local/state/agent-relay/serving/${this.port}.json`;
    return JSON.parse(fs.readFileSync(file, "utf8")).token;
  }

  get log(): Record<string, unknown>[] {
    return this.err
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  }

  fetch(request: string, session: string, init: RequestInit = {}, name = "") {
    const headers = { Authorization: `Bearer ${this.token}`, "Agent-Relay-Session": session, ...init.headers };
    return fetch(`http://127.0.0.1:${this.port}${name}${request}`, { ...init, headers });
  }

  async ended(): Promise<number | null> {
    return this.child.exitCode ?? (await once(this.child, "exit"))[0];
  }
}

test("a server needs nothing set up: agents by the files and agents by its address see each other at once", async () => {
  const here = new Machine();
  const server = await here.serve();
  const at = ["--server", `127.0.0.1:${server.port}`];
  expect(here.run("register", "--session", "files").code).toBe(0);
  expect(here.run("send", "--session", "net", "--to", "files", "by the net", ...at)).toMatchObject({
    code: 0,
    err: "",
  });
  expect(here.run("inbox", "--session", "files").out).toContain("by the net");
  here.run("send", "--session", "files", "--to", "net", "by the files");
  expect(here.run("inbox", "--session", "net", ...at).out).toContain("by the files");
  expect(here.run("doctor", ...at)).toMatchObject({
    code: 0,
    out: expect.stringContaining("lets you in as who runs it"),
  });
  expect(here.run("forget", "--yes", ...at).code).toBe(2);
  expect(here.run("serve", "--status")).toMatchObject({
    code: 0,
    out: `127.0.0.1:${server.port}  pid ${server.child.pid}, answers\n`,
  });
});

test("SIGTERM ends it: streams are told, what it was asked is answered, and nobody is let in by its word any more", async () => {
  const server = await new Machine().serve();
  const stream = await server.fetch("/events", "bob");
  const told = stream.text();
  server.child.kill("SIGTERM");
  expect(await told).toContain('event: end\ndata: {"reason":"the server ends"}');
  expect(await server.ended()).toBe(0);
  expect(fs.readdirSync(`${server.machine.home}/.local/state/agent-relay/serving`)).toEqual([]);
  expect(server.machine.run("serve", "--status").code).toBe(3);
});

test("the log is JSON lines, and has neither text nor token in it", async () => {
  const server = await new Machine().serve("--verbose");
  await server.fetch("/messages", "ann", {
    method: "POST",
    body: JSON.stringify({ content: "the door code is 4711" }),
  });
  await server.fetch("/inbox?limit=none", "ann");
  server.child.kill("SIGTERM");
  await server.ended();
  expect(server.log).toContainEqual(
    expect.objectContaining({ event: "request", method: "POST", path: "/messages", status: 201 }),
  );
  expect(server.log).toContainEqual(expect.objectContaining({ path: "/inbox", status: 400 }));
  expect(server.err).not.toMatch(/4711|ar-local|Bearer/);
});

describe("leaving this machine", () => {
  test("is refused while nobody could log in, and without TLS, each with what to do", () => {
    const here = new Machine();
    const serve = (...args: string[]) => here.run("serve", "--host", "0.0.0.0", "--port", "0", ...args);
    expect(serve()).toMatchObject({ code: 6, err: expect.stringContaining("agent-relay invite") });
    expect(here.run("invite").code).toBe(0);
    expect(serve()).toMatchObject({ code: 6, err: expect.stringContaining("--tls-cert") });
    expect(serve("--tls-cert", "x.pem")).toMatchObject({ code: 2 });
    expect(serve("--tls-cert", "x.pem", "--tls-key", "y.pem")).toMatchObject({ code: 3 });
  });

  test.skipIf(spawnSync("openssl", ["version"]).status !== 0)(
    "works by TLS, for another user's machine, as two who log in",
    async () => {
      const [here, there] = [new Machine(), new Machine()];
      const files = ["-keyout", `${here.home}/key.pem`, "-out", `${here.home}/cert.pem`];
      const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
      execFileSync(
        "openssl",
        ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", ...files, ...names],
        { stdio: "ignore" },
      );
      const { invite } = JSON.parse(here.run("invite", "--user", "aaron", "--json").out);
      const server = await here.serve("--host", "0.0.0.0", "--tls-cert", "cert.pem", "--tls-key", "key.pem");
      const url = `https://127.0.0.1:${server.port}`;
      expect(
        there.run("login", url, "--invite", invite, "--user", "aaron").code,
        "its certificate is not known",
      ).not.toBe(0);
      there.env.NODE_EXTRA_CA_CERTS = `${here.home}/cert.pem`;
      expect(there.run("login", url, "--invite", invite, "--user", "aaron", "--machine", "laptop")).toMatchObject({
        code: 0,
        err: "",
      });
      here.run("register", "--session", "srv");
      expect(there.run("-S", url, "send", "--session", "a1", "--to", "srv", "over TLS").code).toBe(0);
      expect(here.run("inbox", "--session", "srv").out).toContain("over TLS");
      expect(here.run("members").out).toMatch(/^aaron\/laptop {2}key [\w-]{43}, since /);
      expect(there.run("-S", url, "finish", "--session", "a1").code).toBe(6);
    },
  );
});

test("serve with a project's folder advised a --dir, which is something else", () => {
  const here = new Machine();
  fs.mkdirSync(`${here.home}/shop/.relay`, { recursive: true });
  for (const flags of [[], ["--install"]]) {
    const { code, err } = here.run("serve", ...flags, "shop");
    expect({ code, err }).toEqual({
      code: 2,
      err: expect.stringMatching(
        /that is a project, and its relay is the folder in it\nTry: agent-relay serve shop\/.relay\n$/,
      ),
    });
  }
});

test("one server has several relays, by their folders' names, and each its own members and mail", async () => {
  const here = new Machine();
  for (const name of ["shop", "bank"]) {
    fs.mkdirSync(`${here.home}/${name}/.git`, { recursive: true });
    here.run("--dir", `${name}/.relay`, "send", `hello from ${name}`, "--session", name);
  }
  const server = await here.serve("shop/.relay", "bank/.relay");
  for (const name of ["shop", "bank"]) {
    const { items } = (await (await server.fetch("/inbox", "reader", {}, `/${name}`)).json()) as Inbox;
    expect(items.map(({ message }) => message.content)).toEqual([`hello from ${name}`]);
    expect(here.run("-S", `127.0.0.1:${server.port}/${name}`, "agents", "--session", "x").out).toContain(name);
  }
  expect((await server.fetch("/inbox", "reader", {}, "/other")).status).toBe(404);
});

test("a daemon that is installed for a relay on a server asks that server, and keeps no token", async () => {
  const machine = new Machine();
  const { port } = await machine.serve();
  const words = ["--server", `127.0.0.1:${port}`, "--session", "night", "--agent", "claude", "daemon"];
  const installed = machine.run(...words, "install", "--", process.execPath, "-e", "0");
  const [, file = ""] = /^Wrote (\S+\.(?:service|plist)), /.exec(installed.out) ?? [];
  const unit = fs.readFileSync(file, "utf8");
  expect(unit).toContain(`127.0.0.1:${port}`);
  expect(unit).not.toContain("--dir");
  expect(machine.run(...words, "uninstall").out).toContain(`Removed ${file}`);
  machine.env.AGENT_RELAY_TOKEN = "secret";
  expect(machine.run(...words, "install", "--", process.execPath).code).not.toBe(0);
});

test("install writes a unit that runs just that, also where its manager cannot be told", () => {
  const here = new Machine();
  const installed = here.run("serve", "--install", "--port", "4811", "--url", "https://relay.example", "other/.relay");
  const [, file = ""] = /^Wrote (\S+\.(?:service|plist)), /.exec(installed.out) ?? [];
  const unit = fs.readFileSync(file, "utf8");
  for (const word of [
    "serve",
    "--port",
    "4811",
    "https://relay.example",
    `${here.home}/other/.relay`,
    `${here.home}/.relay`,
  ])
    expect(unit).toContain(word);
  expect(here.run("serve", "--install", "--port", "0").code).toBe(2);
  expect(here.run("serve", "--uninstall").out).toContain(`Removed ${file}`);
  expect(fs.existsSync(file)).toBe(false);
  expect(here.run("serve", "--uninstall").code).toBe(3);
});

test("the same user on two machines was refused every verb on the second", async () => {
  const here = new Machine();
  here.run("send", "hello", "--session", "srv");
  const server = await here.serve();
  const url = `http://127.0.0.1:${server.port}`;
  const machines = ["laptop", "desk"].map((name) => ({ name, machine: new Machine() }));
  for (const { name, machine } of machines) {
    const { invite } = JSON.parse(here.run("invite", "--user", "aaron", "--json").out);
    expect(machine.run("login", url, "--invite", invite, "--user", "aaron", "--machine", name).code).toBe(0);
  }
  for (const { name, machine } of machines) {
    const sent = machine.run("-S", url, "send", `from the ${name}`);
    expect([sent.code, sent.err], name).toEqual([0, ""]);
    expect(machine.run("-S", url, "whoami").out).toContain(`session  aaron-${name} `);
  }
  expect(machines[0]?.machine.run("-S", url, "inbox").out).toContain("from the desk");
  expect(here.run("send", "--session", "srv", "--to", "aaron-desk", "only there").code).toBe(0);
  expect(machines[1]?.machine.run("-S", url, "inbox").out).toContain("only there");
});
