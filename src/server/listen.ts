import http from "node:http";
import https from "node:https";
import type { AddressInfo, Socket } from "node:net";
import os from "node:os";
import { getRequestListener } from "@hono/node-server";
import { errno, RelayError } from "../errors.ts";
import { jsonText } from "../text.ts";
import type { RelayServer } from "./server.ts";

/** How long a client may take, ms. */
export interface ConnectionLimits {
  /** To send a request's headers. */
  readonly headers: number;
  /** To send all of it. */
  readonly request: number;
  /** Between two checks for clients that take too long. */
  readonly looks: number;
}
const CONNECTION_LIMITS: ConnectionLimits = { headers: 10_000, request: 30_000, looks: 2000 };
const KEEP_ALIVE_MS = 65_000; // that a connection is kept for another request: longer than a proxy in front keeps it
const MAX_SILENCE_MS = 45_000; // ms without a byte either way: a stream says every 15 s that it is there
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_BODY_BYTES = 1024 * 1024;
const MAX_CONNECTIONS = 4096; // beyond it, the oldest idle connection is closed
const DRAIN_MS = 10_000; // that open requests have to end
const SILENT_MS = 250; // that a request has to arrive which was on its way when the server began to end

export interface ListenOptions {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** Certificate and key, as PEM. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly connections?: number | undefined;
  readonly patience?: ConnectionLimits | undefined;
}

/** A server that listens. */
export interface Listening {
  readonly port: number;
  /** Takes no more requests, tells streams, and waits for the rest, 10 s at most. */
  end(): Promise<void>;
}

/** Listens for a server. Throws `conflict` for a port that is taken, `refused` for one that this user may not use. */
export async function listen(host: RelayServer, options: ListenOptions): Promise<Listening> {
  const listener = getRequestListener((request, env) => host.fetch(request, env), { overrideGlobalObjects: false });
  const { headers, request, looks } = options.patience ?? CONNECTION_LIMITS;
  const settings = {
    ...{ headersTimeout: headers, requestTimeout: request, keepAliveTimeout: KEEP_ALIVE_MS },
    ...{ maxHeaderSize: MAX_HEADER_BYTES, connectionsCheckingInterval: looks },
  };
  const answer: http.RequestListener = (request, response) => {
    if (limitBody(request, response)) void listener(request, response);
  };
  const server = options.tls
    ? https.createServer({ ...settings, ...options.tls }, answer)
    : http.createServer(settings, answer);
  server.maxRequestsPerSocket = 0;
  server.setTimeout(MAX_SILENCE_MS);
  keepNoneAtTheEnd(server);
  keepRoom(server, options.connections ?? MAX_CONNECTIONS, host);
  const closeSilent = silentOf(server);
  await listening(server, options);
  const { port } = server.address() as AddressInfo;
  return { port, end: () => ended(server, host, closeSilent) };
}

/** The addresses that a server is called by; `more` has those it cannot know, such as those of a proxy in front. */
export function originsOf(host: string, port: number, isTls: boolean, more: readonly string[]): Set<string> {
  const isAny = ["0.0.0.0", "::"].includes(host);
  const own = Object.values(os.networkInterfaces()).flatMap((each = []) => each.map(({ address }) => address));
  const names = isAny
    ? [...own, "localhost", os.hostname()]
    : isLoopback(host)
      ? ["127.0.0.1", "localhost", "::1"]
      : [];
  const hosts = [...new Set([...(isAny ? [] : [host]), ...names])].filter((name) => !name.includes("%"));
  const scheme = isTls ? "https" : "http";
  const origins = hosts.map((name) => new URL(`${scheme}://${name.includes(":") ? `[${name}]` : name}:${port}`).origin);
  return new Set([...origins, ...more.map((url) => new URL(url).origin)]);
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Refuses a body that is too large, or does not say how large it is, before it is read. */
function limitBody(request: http.IncomingMessage, response: http.ServerResponse): boolean {
  const isUnsaid = request.headers["transfer-encoding"] !== undefined;
  if (!isUnsaid && Number(request.headers["content-length"] ?? 0) <= MAX_BODY_BYTES) return true;
  const message = isUnsaid
    ? "Cannot take a body of unknown size"
    : `Cannot take a body of more than ${MAX_BODY_BYTES} bytes`;
  response.writeHead(isUnsaid ? 411 : 413, { "Content-Type": "application/json", Connection: "close" });
  response.end(jsonText({ error: { code: "limit", message, next: "send a Content-Length" } }));
  return false;
}

/** On a connection that a client keeps, a server that ends would answer beside the one that comes after it. */
function keepNoneAtTheEnd(server: http.Server | https.Server): void {
  server.prependListener("request", (_: http.IncomingMessage, response: http.ServerResponse) => {
    if (!server.listening) response.setHeader("Connection", "close");
    response.once("close", () => {
      if (!server.listening) setImmediate(() => server.closeIdleConnections());
    });
  });
}

/** Closes the oldest idle connection beyond `most`, and no other: a client that only holds connections open keeps nobody out. */
function keepRoom(server: http.Server | https.Server, most: number, host: RelayServer): void {
  const open = new Set<Socket>();
  const idle = new Set<Socket>(); // the one that asked longest ago first
  host.metrics.gauge("connections", "Connections that are open.", () => open.size);
  // At once: "close" comes a turn after `destroy`, and every idle connection would be closed in the meantime.
  const leave = (socket: Socket) => {
    open.delete(socket);
    idle.delete(socket);
  };
  const close = (socket: Socket) => {
    leave(socket);
    socket.destroy();
  };
  // With TLS, requests come by the secured socket; the raw socket below closes with it.
  server.on(server instanceof https.Server ? "secureConnection" : "connection", (socket: Socket) => {
    for (const oldest of idle) {
      if (open.size < most) break;
      close(oldest);
    }
    open.add(socket);
    idle.add(socket);
    socket.once("close", () => leave(socket));
    if (open.size > 2 * most) close(socket);
  });
  server.on("request", (request: http.IncomingMessage, response: http.ServerResponse) => {
    const { socket } = request;
    idle.delete(socket);
    response.once("close", () => {
      if (open.has(socket)) idle.add(socket);
    });
  });
}

function listening(server: http.Server | https.Server, { host, port }: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(cannotListen(host, port, error)));
    server.listen(port, host, resolve);
  });
}

function cannotListen(host: string, port: number, cause: Error): RelayError {
  const says: Readonly<Record<string, string>> = {
    EADDRINUSE: "another program listens there",
    EACCES: "this user may not",
    EADDRNOTAVAIL: "this machine has no such address",
    ENOTFOUND: "there is no such host",
  };
  const code = errno(cause) ?? "";
  const known = code === "EADDRINUSE" ? "conflict" : code === "EACCES" ? "refused" : "failed";
  return new RelayError(known, `Cannot listen on ${host}:${port}: ${says[code] ?? cause.message}`, {
    cause,
    next: "give another --port or --host",
  });
}

/** Closes the connections on which nothing was asked yet: Node takes them for busy until their headers are late. */
function silentOf(server: http.Server | https.Server): () => void {
  const silent = new Map<Socket, number>(); // the bytes that came before there could be a request
  server.on(server instanceof https.Server ? "secureConnection" : "connection", (socket: Socket) => {
    silent.set(socket, socket.bytesRead);
    socket.once("close", () => silent.delete(socket));
  });
  server.on("request", ({ socket }: http.IncomingMessage) => silent.delete(socket));
  return () => {
    for (const [socket, before] of silent) if (socket.bytesRead === before) socket.destroy();
  };
}

async function ended(server: http.Server | https.Server, host: RelayServer, closeSilent: () => void): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  await host.end();
  server.closeIdleConnections();
  const timers = [setTimeout(closeSilent, SILENT_MS), setTimeout(() => server.closeAllConnections(), DRAIN_MS)];
  await closed;
  for (const timer of timers) clearTimeout(timer);
}
