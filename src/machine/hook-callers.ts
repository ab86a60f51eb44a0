import fs from "node:fs";
import path from "node:path";
import { errno, systemError } from "../errors.ts";
import { makeFolders } from "../folders.ts";
import { bootId, startOf } from "./process.ts";
import { stateFolder } from "./state-dir.ts";
import { readStateText, writeStateText } from "./state-file.ts";

const MAX_NAME_BYTES = 200; // of a file: its session id is a part of it

/** A session that a process calls hooks for. */
export interface HookSession {
  readonly pid: number;
  readonly session: string;
  /** The folder of the relay that it is registered in; empty if that is on a server. */
  readonly relay: string;
}

/**
 * Which process of this machine calls hooks for which session, and in which relay: what a variable or a shell's folder
 * says may be of another time. A file each, `<boot>.<pid>.<start>.<session>` in `hosts/` of the user's state folder, which
 * holds the relay's folder; the launcher of the hooks reads it before it starts Node.
 */
export class HookCallers {
  readonly #folder: string | undefined;

  constructor(env: Readonly<Record<string, string | undefined>>) {
    const state = stateFolder(env);
    this.#folder = state && path.join(state, "hosts");
  }

  /** Notes a session that has begun, or goes on, in a process. Returns whether it was noted before. */
  note({ pid, session, relay }: HookSession): boolean {
    const name = nameOf(pid, session);
    if (this.#folder === undefined || name === undefined) return false;
    for (const each of this.#names()) if (!isOfLiving(each)) this.#remove(each);
    const file = path.join(this.#folder, name);
    const was = readStateText(file);
    writeStateText(file, `${relay}\n`);
    return was !== undefined;
  }

  /** The sessions of a process, the one that began or went on last first. */
  of(pid: number): HookSession[] {
    const prefix = prefixOf(pid);
    if (this.#folder === undefined || prefix === undefined) return [];
    const found = this.#names()
      .filter((name) => name.startsWith(prefix))
      .map((name) => ({ name, at: mtimeOf(path.join(this.#folder ?? "", name)) }))
      .sort((a, b) => b.at - a.at);
    return found.flatMap(({ name }) => {
      const relay = readStateText(path.join(this.#folder ?? "", name))?.trimEnd();
      return relay === undefined ? [] : [{ pid, session: name.slice(prefix.length), relay }];
    });
  }

  /** The sessions of living processes that were noted for one relay, or for where it would be. */
  in(relay: string): HookSession[] {
    return this.#names().flatMap((name) => {
      const parts = isOfLiving(name) ? partsOf(name) : undefined;
      const noted = parts && readStateText(path.join(this.#folder ?? "", name))?.trimEnd();
      return parts && noted === relay ? [{ ...parts, relay }] : [];
    });
  }

  /** Forgets a session that has ended: in one process, or in all. */
  forget(session: string, pid?: number): void {
    const isMeant = (name: string) =>
      partsOf(name)?.session === session && (pid === undefined || partsOf(name)?.pid === pid);
    for (const name of this.#names()) if (isMeant(name)) this.#remove(name);
  }

  /** Resolves when the process calls hooks for another session than this one, or `signal` aborts. */
  async hasMovedOn(pid: number, session: string, signal: AbortSignal): Promise<void> {
    const isOver = () => signal.aborted || (this.of(pid)[0]?.session ?? session) !== session;
    if (this.#folder === undefined || isOver()) return;
    const folder = this.#folder;
    makeFolders(folder, 0o700);
    await new Promise<void>((resolve) => {
      const watcher = fs.watch(folder, { signal });
      const end = () => {
        watcher.close();
        resolve();
      };
      watcher.on("change", () => isOver() && end());
      watcher.on("error", end);
      watcher.on("close", resolve);
      if (isOver()) end();
    });
  }

  #names(): string[] {
    if (this.#folder === undefined) return [];
    try {
      return fs.readdirSync(this.#folder);
    } catch (error) {
      if (errno(error) === "ENOENT") return [];
      throw systemError(`read "${this.#folder}"`, error);
    }
  }

  #remove(name: string): void {
    fs.rmSync(path.join(this.#folder ?? "", name), { force: true });
  }
}

/** Undefined where the system does not tell one boot or process from another: a pid means nothing after it. */
function prefixOf(pid: number): string | undefined {
  const boot = bootId()?.split("-")[0];
  const started = Number.isInteger(pid) && pid > 0 ? startOf(pid) : undefined;
  return boot === undefined || started === undefined ? undefined : `${boot}.${pid}.${started}.`;
}

function nameOf(pid: number, session: string): string | undefined {
  const prefix = prefixOf(pid);
  const name = prefix === undefined ? undefined : `${prefix}${session}`;
  return name !== undefined && name.length <= MAX_NAME_BYTES ? name : undefined;
}

function partsOf(name: string): { readonly pid: number; readonly session: string } | undefined {
  const [, pid = "", session = ""] = /^\w+\.(\d+)\.\d+\.(.+)$/.exec(name) ?? [];
  return session === "" ? undefined : { pid: Number(pid), session };
}

function isOfLiving(name: string): boolean {
  const parts = partsOf(name);
  return parts !== undefined && name.startsWith(prefixOf(parts.pid) ?? "\0");
}

function mtimeOf(file: string): number {
  return fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
