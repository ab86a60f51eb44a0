import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import readline from "node:readline";

interface Server {
  readonly child: ChildProcess;
  ask(message: { readonly id?: unknown }): Promise<unknown>;
}

/** For a suite that speaks HTTP only: a server over stdio for each session, at an address of this machine. */
export class Bridge {
  readonly #sessions = new Map<string, Server>();
  readonly #start: () => ChildProcess;
  readonly #http = http.createServer((request, response) => {
    this.#answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });

  /** `start` starts a server, with pipes for stdin and stdout. */
  constructor(start: () => ChildProcess) {
    this.#start = start;
  }

  async listen(): Promise<string> {
    this.#http.listen(0, "127.0.0.1");
    await once(this.#http, "listening");
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}/mcp`;
  }

  close(): void {
    for (const { child } of this.#sessions.values()) child.kill();
    this.#http.closeAllConnections();
    this.#http.close();
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { host = "", origin = "http://localhost", "mcp-session-id": id } = request.headers;
    if (!isLocal(`http://${host}`) || !isLocal(origin)) return void response.writeHead(403).end();
    if (request.method !== "POST") return void response.writeHead(405).end();
    let body = "";
    for await (const part of request) body += part;
    const message = JSON.parse(body);
    const session = message.method === "initialize" ? this.#open() : String(id);
    const server = this.#sessions.get(session);
    if (!server) return void response.writeHead(404).end();
    const answer = await server.ask(message);
    if (answer === undefined) return void response.writeHead(202).end();
    response.writeHead(200, { "content-type": "application/json", "mcp-session-id": session });
    response.end(JSON.stringify(answer));
  }

  #open(): string {
    const child = this.#start();
    if (!child.stdin || !child.stdout) throw new Error("a server without pipes");
    const { stdin } = child;
    const waiting = new Map<string, (answer: unknown) => void>();
    readline.createInterface({ input: child.stdout }).on("line", (line) => {
      const message = JSON.parse(line);
      if (message.id !== undefined && message.method === undefined) waiting.get(JSON.stringify(message.id))?.(message);
    });
    const ask: Server["ask"] = (message) => {
      const { id } = message;
      const answer =
        id === undefined ? Promise.resolve() : new Promise((resolve) => waiting.set(JSON.stringify(id), resolve));
      stdin.write(`${JSON.stringify(message)}\n`);
      return answer;
    };
    const session = randomUUID();
    this.#sessions.set(session, { child, ask });
    return session;
  }
}

function isLocal(address: string): boolean {
  return URL.canParse(address) && ["localhost", "127.0.0.1"].includes(new URL(address).hostname);
}
