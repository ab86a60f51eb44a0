import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import path from "node:path";
import pkg from "../../../package.json" with { type: "json" };
import { errno, RelayError, systemError } from "../../errors.ts";
import { nameFrom, newSecret } from "../../identity/member.ts";
import { noteServing, servings } from "../../identity/servers.ts";
import { place } from "../../machine/process.ts";
import { type ServiceUnit, unitFor } from "../../machine/service-unit.ts";
import { fileStore, type OpenOptions, projectOf, trustedDirs, userName } from "../../open/open.ts";
import { ensureRelay } from "../../project/trust.ts";
import { Authenticator } from "../../server/auth.ts";
import { isLoopback, listen, originsOf } from "../../server/listen.ts";
import { isRelayName } from "../../server/relay-names.ts";
import { RelayServer, type ServedRelay } from "../../server/server.ts";
import { publishingBy, WritePool } from "../../server/write-pool.ts";
import { quoted } from "../../shell/quote.ts";
import type { FileStore } from "../../store/file/file-store.ts";
import { cleanLine, jsonText } from "../../text.ts";
import { iso } from "../../time.ts";
import type { Cli } from "../cli.ts";
import { defineVerb } from "../command.ts";
import type { FlagsOf, FlagTable } from "../flag-table.ts";
import { keysFolder } from "../key-dir.ts";
import { installService, uninstallService } from "../service.ts";

const PORT = 4800;

const FLAGS = {
  "--host <address>": "listen there; 0.0.0.0 for every network of this machine (default 127.0.0.1)",
  "--port <port>": `listen on it; 0 for any that is free (default ${PORT})`,
  "--tls-cert <file>": "certificate, as PEM",
  "--tls-key <file>": "... and its key",
  "--url <url>": {
    about: "an address that others call this server by, such as a proxy's; repeatable",
    isRepeatable: true,
  },
  "--plain": "leave this machine without TLS: a proxy in front has it, or the network is all yours",
  "--install": "run it from now on, also after a reboot: by systemd's user manager, or launchd",
  "--uninstall": "run it so no more",
  "--status": "say what is served here, and whether it answers",
  "--verbose": "log every request, not only those that failed",
} as const satisfies FlagTable;

/** The flags, with the place to listen that holds where none is named. */
type Flags = FlagsOf<typeof FLAGS> & { readonly host: string; readonly port: string };

export const verb = defineVerb({
  name: "serve",
  about: "Serve the relay to other machines, by HTTP. Agents here go on using the files. Ends at Ctrl-C.",
  words: { "[folders...]": "relays to serve besides this project's, such as ../shop/.relay" },
  flags: FLAGS,
  example: "agent-relay serve, and on the other side agent-relay --server URL inbox",
  run: (cli, { host = "127.0.0.1", port = String(PORT), ...flags }, { folders }) =>
    chosen(cli, folders, { ...flags, host, port }),
});

function chosen(cli: Cli, folders: readonly string[], flags: Flags): Promise<number | undefined> {
  if ([flags.install, flags.uninstall, flags.status].filter(Boolean).length > 1)
    throw new RelayError("usage", "Cannot install, uninstall and tell the status at once: give one of them");
  for (const folder of folders) refuseNoRelay(path.resolve(cli.io.cwd, folder), folder);
  if (flags.install) return install(cli, folders, flags);
  if (flags.uninstall)
    return uninstallService(cli, unitOf(cli, folders, flags), "agent-relay serve --status").then(() => undefined);
  return flags.status ? status(cli) : serve(cli, folders, flags).then(() => undefined);
}

/** Throws `usage` for a folder that is a project, and for a port that stands where a folder does. */
function refuseNoRelay(folder: string, word: string): void {
  if (/^\d+$/.test(word) && !fs.existsSync(folder))
    throw new RelayError("usage", `Cannot serve "${word}": there is no such folder`, {
      next: `agent-relay serve --port ${word}`,
    });
  const isProject = [".relay", ".git"].some((name) => fs.existsSync(path.join(folder, name)));
  if (!isProject || fs.existsSync(path.join(folder, "relay.json"))) return;
  throw new RelayError("usage", `Cannot serve "${word}": that is a project, and its relay is the folder in it`, {
    next: `agent-relay serve ${quoted(path.join(word, ".relay"))}`,
  });
}

async function serve(cli: Cli, folders: readonly string[], flags: Flags): Promise<void> {
  const { io } = cli;
  const state = keysFolder(io.env);
  const port = portOf(flags.port);
  const tls = tlsOf(cli, flags);
  const options = { ...cli.openOptions(), server: undefined };
  const dirs = [projectOf(options).dir, ...folders.map((folder) => path.resolve(io.cwd, folder))];
  const local = newSecret("local");
  const origins = new Set<string>();
  const writer = path.resolve(path.dirname(fs.realpathSync(io.script)), "../dist/cli/writer.cjs");
  const operator = nameFrom(userName(io.env), "person");
  const making = { options, operator, local, origins, now: io.now, writer };
  const relays: (ServedRelay & { readonly writers: WritePool })[] = [];
  for (const dir of new Set(dirs)) relays.push(await relayed(dir, relays, making));
  if (!isLoopback(flags.host)) await checkLeaving(relays, flags, tls !== undefined);

  const log = (entry: Readonly<Record<string, unknown>>) => io.err(`${jsonText({ at: iso(io.now()), ...entry })}\n`);
  const host = new RelayServer(relays, {
    ...{ now: io.now, place: place(), origins, log, isVerbose: flags.verbose === true, version: pkg.version },
    operator,
  });
  const listening = await listen(host, { host: flags.host, port, tls });
  for (const origin of originsOf(flags.host, listening.port, tls !== undefined, flags.url ?? [])) origins.add(origin);
  const forget = noteServing(state, flags.host, listening.port, local);
  try {
    await say(cli, flags, relays, listening.port, tls !== undefined);
    await new Promise<void>((resolve) => io.onInterrupt(resolve));
    log({ level: "info", event: "end" });
  } finally {
    forget();
    await listening.end();
    for (const { store, writers } of relays) {
      await writers.end();
      await store.close();
    }
  }
}

interface Making {
  readonly options: OpenOptions;
  readonly operator: string;
  readonly local: string;
  readonly origins: ReadonlySet<string>;
  readonly now: () => number;
  /** The program of a thread that writes. */
  readonly writer: string;
}

/** The relay in a folder, made if there is none yet. */
async function relayed(dir: string, others: readonly ServedRelay[], making: Making) {
  const { options, operator, local, origins, now, writer } = making;
  const trusted = trustedDirs(options);
  const files: FileStore = fileStore(dir, { ...options, trusted });
  await files.carryOver(); // what a caller sends is compared with what is stored
  const relay = await ensureRelay(files, now);
  const writers = new WritePool(writer, { dir, trusted });
  const store = publishingBy(writers.publish, files);
  const project = path.dirname(dir);
  const name = isRelayName(path.basename(project)) ? path.basename(project) : `relay-${others.length + 1}`;
  if (others.some((other) => other.name === name))
    throw new RelayError("conflict", `Cannot serve two relays under the name "${name}"`, {
      next: "rename one of their folders, or run a server for each",
    });
  return { name, dir, store, writers, auth: new Authenticator({ store, relay, local, origins, operator, now }) };
}

function portOf(word: string): number {
  const port = Number(word);
  if (/^\d{1,5}$/.test(word) && port <= 65_535) return port;
  throw new RelayError("usage", `Cannot listen on port "${word}": it is a number up to 65535`, {
    next: `agent-relay serve --port ${PORT}`,
  });
}

function tlsOf({ io }: Cli, { tlsCert, tlsKey }: Flags): { cert: string; key: string } | undefined {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined)
    throw new RelayError("usage", "Cannot use TLS with half of it: give --tls-cert and --tls-key");
  const read = (file: string) => {
    try {
      return fs.readFileSync(path.resolve(io.cwd, file), "utf8");
    } catch (error) {
      if (errno(error) === "ENOENT") throw new RelayError("not_found", `Cannot read "${file}": there is no such file`);
      throw systemError(`read "${file}"`, error);
    }
  };
  return { cert: read(tlsCert), key: read(tlsKey) };
}

/** Throws `refused` if nobody could log in from another machine, or if there is neither TLS nor --plain. */
async function checkLeaving(relays: readonly ServedRelay[], { host, plain }: Flags, isTls: boolean): Promise<void> {
  for (const { store, name } of relays)
    if ((await store.list("members", { limit: 1 })).length + (await store.list("invites", { limit: 1 })).length === 0)
      throw new RelayError("refused", `Cannot serve ${name} on ${host}: nobody could log in from elsewhere yet`, {
        next: "agent-relay invite, and give the other side what it prints",
      });
  checkOpenly({ host, plain }, isTls);
}

function checkOpenly(
  { host, plain }: { readonly host: string; readonly plain?: boolean | undefined },
  isTls: boolean,
): void {
  if (isTls || plain) return;
  throw new RelayError("refused", `Cannot serve on ${host} without TLS: whoever is on the way could read it all`, {
    next: "give --tls-cert and --tls-key, or --plain if a proxy in front has TLS or the network is all yours",
  });
}

async function say(
  cli: Cli,
  flags: Flags,
  relays: readonly ServedRelay[],
  port: number,
  isTls: boolean,
): Promise<void> {
  const scheme = isTls ? "https" : "http";
  const all = [...originsOf(flags.host, port, isTls, [])];
  const own = all.find((origin) => !isLoopback(new URL(origin).hostname.replace(/[[\]]/g, ""))) ?? all[0] ?? "";
  const base = flags.url?.[0] ?? (isLoopback(flags.host) ? `${scheme}://127.0.0.1:${port}` : own);
  const served = relays.map(({ name, dir }, index) => ({
    url: index === 0 ? base : `${base}/${name}`,
    project: path.dirname(dir),
  }));
  const lines = served.map(({ url, project }) => `Serving ${cleanLine(project)} at ${url}\n`);
  const help = isLoopback(flags.host)
    ? `Try: agent-relay --server ${base} status\n`
    : `To let another machine in: agent-relay invite, and there agent-relay login ${base} --invite <word>\n`;
  await cli.say({ serving: served, port }, `${lines.join("")}${help}`);
}

/** Installs the server as it would run here, without the options that are only for one run. */
async function install(cli: Cli, folders: readonly string[], flags: Flags): Promise<undefined> {
  portOf(flags.port);
  const tls = tlsOf(cli, flags);
  if (!isLoopback(flags.host)) checkOpenly(flags, tls !== undefined); // else it would be installed, and refuse to run
  if (flags.port === "0")
    throw new RelayError("usage", "Cannot install a server on any port: others have to know it", {
      next: "give --port",
    });
  await installService(cli, unitOf(cli, folders, flags));
}

function unitOf(cli: Cli, folders: readonly string[], flags: Flags): ServiceUnit {
  const { io } = cli;
  const home = io.env.HOME ?? io.env.USERPROFILE;
  if (!home) throw new RelayError("usage", "Cannot install: no home folder is known", { next: "set HOME" });
  const { dir } = projectOf({ ...cli.openOptions(), server: undefined });
  const inFull = (file: string) => path.resolve(io.cwd, file);
  const options = [
    ...["--dir", dir, "--host", flags.host, "--port", flags.port],
    ...(flags.tlsCert === undefined ? [] : ["--tls-cert", inFull(flags.tlsCert)]),
    ...(flags.tlsKey === undefined ? [] : ["--tls-key", inFull(flags.tlsKey)]),
    ...(flags.url ?? []).flatMap((url) => ["--url", url]),
    ...(flags.plain ? ["--plain"] : []),
    ...folders.map(inFull),
  ];
  const command = [process.execPath, path.resolve(fs.realpathSync(io.script)), "serve", ...options];
  const place = { home, path: io.env.PATH ?? "" };
  return unitFor(process.platform, place, "serve", path.dirname(dir), command, "serves the relay to other machines");
}

/** Each server that this user runs, and whether it answers. Exit code 3: none does. */
async function status(cli: Cli): Promise<number> {
  const found: { port: number; pid: number; host: string; answers: boolean }[] = [];
  for (const serving of servings(keysFolder(cli.io.env))) found.push({ ...serving, answers: await answers(serving) });
  const lines = found.map(
    ({ host, port, pid, answers }) => `${host}:${port}  pid ${pid}, ${answers ? "answers" : "does not answer"}\n`,
  );
  await cli.say(found, lines.join("") || "Nothing is served by you here: agent-relay serve\n");
  return found.some(({ answers }) => answers) ? 0 : NOTHING;
}

const NOTHING = 3;

/** Whether a server answers /health, which anybody may ask. Its certificate is not checked. */
function answers({ host, port }: { readonly host: string; readonly port: number }): Promise<boolean> {
  const name = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  const ask = (library: typeof http | typeof https) =>
    new Promise<boolean>((resolve) => {
      const options = { host: name, port, path: "/health", timeout: 2000, rejectUnauthorized: false };
      const request = library.get(options, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      });
      request.on("timeout", () => request.destroy());
      request.on("error", () => resolve(false));
    });
  return ask(http).then((does) => does || ask(https));
}
