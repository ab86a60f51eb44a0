import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { RelayError } from "../errors.ts";
import { hash } from "../hash.ts";
import { fileNameFor } from "../machine/file-name.ts";
import { isListenedTo } from "../machine/listening.ts";
import { readState, writeState } from "../machine/state-file.ts";
import { type Infer, integer, moment, object, optional, text } from "../schema.ts";
import { type Credentials, HttpCaller } from "../store/http/caller.ts";
import { asTyped } from "../text.ts";
import { iso } from "../time.ts";
import { loginText } from "./login.ts";
import { boxText, machineKey } from "./machine-key.ts";

/** A login to a server, as this user's programs remember it in the user's own folder. */
const KnownServer = object({
  url: text(),
  /** The relay's own id: another one at the same address is another server. */
  relay: text(),
  user: text(),
  machine: text(),
  token: optional(text()),
  /** Unix ms. */
  expires_at: optional(moment()),
});
export type KnownServer = Infer<typeof KnownServer>;

/** The token by which a server on this machine knows the user who runs it. */
const Serving = object({ token: text(), pid: integer(), host: text() });

/** A server's address in its canonical form. Throws `usage` for what is no address. */
export function serverUrl(word: string): URL {
  const isBare = !/^[a-z]+:\/\//i.test(word);
  const text = isBare ? `http://${word}` : word;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !["http:", "https:"].includes(url.protocol) || url.hostname === "")
    throw new RelayError("usage", `Cannot use ${asTyped(word)} as a server: it is no address`, {
      next: "agent-relay login http://127.0.0.1:4800",
    });
  if (url.username !== "" || url.password !== "")
    throw new RelayError("usage", "Cannot use an address with a password in it: it would be shown to everyone here", {
      next: "put a token into AGENT_RELAY_TOKEN",
    });
  if (isBare && !/^[^/]*:\d+/.test(word)) url.port = "4800";
  return new URL(`${url.origin}${url.pathname.replace(/\/+$/, "")}`);
}

/** How this machine's user proves to a server who it is. */
export class ServerCredentials implements Credentials {
  readonly #url: URL;
  readonly #folder: string;
  readonly #now: () => number;
  readonly #token: string | undefined;
  #known: KnownServer | undefined;
  #wasOwn = false; // it is a server that this user ran, by what that had noted

  /** `token` was given for this run alone. `folder` is the user's state folder. */
  constructor(url: URL, { folder, now, token }: { folder: string; now: () => number; token?: string | undefined }) {
    this.#url = url;
    this.#now = now;
    this.#folder = folder;
    this.#token = token;
  }

  /** The token to send. Logs in again if it is refused or about to expire. Throws `refused` where there is no login. */
  async secret(isRefused: boolean): Promise<string> {
    if (this.#token !== undefined) return this.#token;
    this.#known ??= readKnownServer(this.#folder, this.#url);
    if (!this.#known) {
      const own = servingToken(this.#folder, this.#url);
      if (own !== undefined) {
        this.#wasOwn = true;
        return own;
      }
      if (this.#wasOwn)
        throw new RelayError("failed", `Cannot use ${this.#url.href}: the server that you ran there has ended`, {
          isAway: true,
          next: "agent-relay serve, as before",
        });
      if (isHere(this.#url) && !(await isListenedTo(this.#url.hostname.replace(/^\[(.*)\]$/, "$1"), portOf(this.#url))))
        throw new RelayError("failed", `Cannot use ${this.#url.href}: nobody listens there`, {
          isAway: true,
          next: "agent-relay serve, then by the address that it prints",
        });
      throw new RelayError("refused", `Cannot use ${this.#url.href}: you have not logged in there`, {
        next: isHere(this.#url)
          ? `agent-relay serve, then by the address that it prints`
          : `agent-relay login ${this.#url.href}`,
      });
    }
    const { token, expires_at = "" } = this.#known;
    if (token !== undefined && !isRefused && Date.parse(expires_at) > this.#now() + RENEW_EARLY_MS) return token;
    this.#known = await logIn(this.#url, { ...this.#known, folder: this.#folder, now: this.#now });
    return this.#known.token ?? "";
  }
}

const RENEW_EARLY_MS = 60_000; // before its end that a token is no longer used

export interface Login {
  readonly folder: string;
  readonly now: () => number;
  readonly user: string;
  readonly machine: string;
  readonly invite?: string | undefined;
  /** The id of the relay that is expected there. */
  readonly relay?: string | undefined;
}

/** Logs in with this machine's key, and remembers the login. Throws `refused`, and errors of the call to the server. */
export async function logIn(url: URL, login: Login): Promise<KnownServer> {
  const { folder, now, user, machine, invite } = login;
  const key = machineKey(folder);
  const caller = new HttpCaller(`${url.href.replace(/\/+$/, "")}/v1`, { now });
  const { body } = await caller.call("challenge", { method: "POST", body: {} });
  const { challenge, relay, at } = Challenge.parse(body, "the challenge");
  if (login.relay !== undefined && login.relay !== relay)
    throw new RelayError("refused", `Cannot log in to ${url.href}: another relay is there than before`, {
      next: `if that is meant: agent-relay login ${url.href} --forget, and log in anew`,
    });
  const nonce = randomBytes(24).toString("base64url");
  const statement = { relay, origin: url.origin, user, machine, key: key.id, challenge, nonce, at };
  const signature = key.sign(loginText(statement));
  const { at: _, relay: __, ...said } = statement;
  const box = { box: key.box, box_signature: key.sign(boxText(key.box)) };
  const request = { ...said, ...box, signature, ...(invite !== undefined && { invite }) };
  const answer = await caller.call("login", { method: "POST", body: request });
  const { token, expires_at } = Session.parse(answer.body, "the login");
  // By our own clock: the server's may be another.
  const known: KnownServer = {
    url: url.href,
    relay,
    user,
    machine,
    token,
    expires_at: iso(Date.parse(expires_at) - caller.clockAhead),
  };
  writeState(fileFor(folder, url), known);
  return known;
}

const Challenge = object({ challenge: text(), relay: text(), at: integer() });
const Session = object({ token: text(), expires_at: moment() });

const LOG_IN_AGAIN = "remove it, and log in again";

/** The login that is remembered for this very address. */
export function readKnownServer(folder: string, url: URL): KnownServer | undefined {
  for (const file of [fileFor(folder, url), formerFileFor(folder, url)]) {
    const known = readState(file, KnownServer, LOG_IN_AGAIN);
    if (known?.url === url.href) return known;
  }
  return undefined;
}

/** Forgets a server. False if it was not known. */
export function forgetServer(folder: string, url: URL): boolean {
  if (!readKnownServer(folder, url)) return false;
  fs.rmSync(fileFor(folder, url), { force: true });
  if (readKnownServer(folder, url)) fs.rmSync(formerFileFor(folder, url));
  return true;
}

/** Notes for this user's programs the token of a server that the user runs. The function returned removes the note. */
export function noteServing(folder: string, host: string, port: number, token: string): () => void {
  const file = servingFile(folder, port);
  writeState(file, { token, pid: process.pid, host });
  return () => {
    if (readState(file, Serving, LOG_IN_AGAIN)?.token === token) fs.rmSync(file, { force: true });
  };
}

/** The servers that this user runs, as they have noted it, by port. */
export function servings(folder: string): { readonly port: number; readonly pid: number; readonly host: string }[] {
  const names = fs.existsSync(path.join(folder, "serving")) ? fs.readdirSync(path.join(folder, "serving")) : [];
  const ports = names.flatMap((name) => /^(\d+)\.json$/.exec(name)?.[1] ?? []).map(Number);
  return ports
    .sort((a, b) => a - b)
    .flatMap((port) => {
      const found = readState(servingFile(folder, port), Serving, LOG_IN_AGAIN);
      return found ? [{ port, pid: found.pid, host: found.host }] : [];
    });
}

/** The token of our own server, for the address it listens on: another address here may be somebody else's server. */
function servingToken(folder: string, url: URL): string | undefined {
  if (!isHere(url)) return undefined;
  const { hostname } = url;
  const serving = readState(servingFile(folder, portOf(url)), Serving, LOG_IN_AGAIN);
  const isOurs =
    serving?.host === hostname.replace(/^\[(.*)\]$/, "$1") ||
    (serving?.host === "0.0.0.0" && hostname.startsWith("127.")) ||
    (serving?.host === "::" && hostname === "[::1]");
  return isOurs ? serving?.token : undefined;
}

function portOf({ port, protocol }: URL): number {
  return port === "" ? (protocol === "https:" ? 443 : 80) : Number(port);
}

function isHere({ hostname }: Pick<URL, "hostname">): boolean {
  return /^(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(hostname);
}

function servingFile(folder: string, port: number): string {
  return path.join(folder, "serving", `${port}.json`);
}

function fileFor(folder: string, url: URL): string {
  return path.join(folder, "servers", `${fileNameFor(url.href)}.json`);
}

/** Where versions before remembered it: other addresses could be made that had the same name. */
function formerFileFor(folder: string, url: URL): string {
  return path.join(folder, "servers", `${hash(url.href).toString(36)}.json`);
}
