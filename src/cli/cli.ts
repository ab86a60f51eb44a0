import fs from "node:fs";
import path from "node:path";
import { RelayError } from "../errors.ts";
import { worktreeOf } from "../git/repository.ts";
import type { OtherProject } from "../messages/send-anywhere.ts";
import { type FoundRelay, findRelay, type OpenOptions, relayFor, serverOf } from "../open/open.ts";
import type { Project } from "../project/find.ts";
import { noteProject } from "../project/known.ts";
import { isTrusted } from "../project/trust.ts";
import { Relay } from "../relay.ts";
import { frame } from "../render/frame.ts";
import { asTyped, cleanLine, json } from "../text.ts";
import type { Io } from "./io.ts";

/** What every verb takes. */
export interface GlobalFlags {
  readonly dir?: string;
  readonly server?: string;
  readonly session?: string;
  readonly agent?: string;
  readonly json?: boolean;
}

/** The project's relay, with the store it uses. */
export interface OpenedRelay {
  readonly relay: Relay;
  readonly found: FoundRelay;
}

/**
 * Throws `refused` where a model would be shown what came with a cloned repository. A person may look at it, but not let
 * a program hand it to a model (`isForModel`).
 */
export async function refuseStrangers(found: FoundRelay, isForModel = false): Promise<void> {
  const { identity, project, store } = found;
  if ((identity.agent === "human" && !isForModel) || !project.exists || store.served) return;
  if (await isTrusted(store)) return; // a record that is broken is set aside by this look
  if (await isRelayAside(found))
    throw new RelayError("refused", `Cannot use ${project.dir}: its relay.json could not be read, and was set aside`, {
      next: "mend it where it is (agent-relay quarantine list), then agent-relay quarantine retry relay",
    });
  const isMissing = (await store.get("relay")) === undefined;
  if (isMissing && !hasOurRecords(project.dir) && !(await isTracked(project.dir))) return; // another program's
  throw new RelayError("refused", `Cannot use ${project.dir}: it came from elsewhere, and is not shown to an agent`, {
    next: "ask the person you work for to type: agent-relay trust",
  });
}

/** Whether the relay's own record is one of those that were set aside, and no other has taken its place. */
export async function isRelayAside({ store }: FoundRelay): Promise<boolean> {
  if ((await store.get("relay")) !== undefined) return false;
  return ((await store.setAside?.()) ?? []).some(({ key }) => key === "relay");
}

/** Whether a relay of ours was there, which has lost its relay.json: other programs write messages and registrations alone. */
function hasOurRecords(dir: string): boolean {
  return ["names", "claims", "tasks", "waits", "decisions"].some((name) => fs.existsSync(path.join(dir, name)));
}

/** Whether git brought what is in a folder: it came with a clone. */
async function isTracked(dir: string): Promise<boolean> {
  const folder = path.dirname(dir);
  const { askGit } = await import("../git/run.ts");
  return worktreeOf(folder) !== undefined && (askGit(folder, "ls-files", "--", dir) ?? "") !== "";
}

/** What a verb needs to do its work. */
export class Cli {
  readonly io: Io;
  readonly flags: GlobalFlags;

  #dir: string | undefined;
  #newDir: string | undefined;
  #opened: FoundRelay | undefined;

  constructor(io: Io, flags: GlobalFlags) {
    this.io = io;
    this.flags = flags;
  }

  /** The project's relay, as who we are. */
  async open(more: OpenOptions = {}): Promise<Relay> {
    return (await this.openWithStore(more)).relay;
  }

  /** The other project of this user in which agents of all these ids or names are, with us as we are there. */
  async elsewhere(words: readonly string[], more: OpenOptions = {}): Promise<OtherProject | undefined> {
    if (this.server !== undefined || this.flags.dir !== undefined || words.length === 0) return undefined;
    const { agentsOnMachine, projectOfAll } = await import("../open/machine.ts");
    const here = this.#opened?.project.dir ?? "";
    const dir = projectOfAll(await agentsOnMachine(this.io, () => {}), words, here);
    if (dir === undefined) return undefined;
    const { relay } = await new Cli(this.io, { ...this.flags, dir }).openWithStore(more);
    return { sender: relay, dir };
  }

  /** The same, with the store it uses. */
  async openWithStore(more: OpenOptions = {}): Promise<OpenedRelay> {
    const opened = await this.openStrange(more);
    await refuseStrangers(opened.found);
    this.#tellIfNew(opened.found.project);
    return opened;
  }

  /** The same, be the relay trusted or not: for a verb that decides itself what of it is put before a model. */
  async openStrange(more: OpenOptions = {}): Promise<OpenedRelay> {
    const options = { ...this.openOptions(), ...more };
    const found = await findRelay(options);
    if (found.project.server === undefined) this.#dir = found.project.dir;
    this.#opened = found;
    return { relay: relayFor(found, options, (dir, given) => new Relay(dir, given)), found };
  }

  /** Says that the folder which somebody has named is no relay yet. */
  #tellIfNew({ dir, exists, because, server }: Project): void {
    if (exists || server !== undefined || !because.endsWith(" says so")) return;
    this.#newDir = dir;
    this.io.err(`note: there is no relay at ${cleanLine(dir)} yet (${because})\n`);
  }

  /** The time (Unix ms), by the clock that the relay's times are of: a server's, where it is on one. */
  now(): number {
    return this.#opened ? this.#opened.now() : this.io.now();
  }

  /** Whether it is this process's own session that acts: not one that somebody named for a look, nor a person. */
  isOwnSession(agent: string): boolean {
    return this.flags.session === undefined && (Boolean(this.io.env.AGENT_RELAY_SESSION) || agent !== "human");
  }

  /** Says that the session which somebody has named is none here: it may be a wrong name. */
  async tellIfUnknown(): Promise<void> {
    const { session } = this.flags;
    if (!session || !this.#opened) return;
    const { store } = this.#opened;
    for (const folder of ["agents", "archive/agents"]) if (await store.get(`${folder}/${session}`)) return;
    const { nearest } = await import("../agents/resolve.ts");
    const { registrations } = await import("../agents/registry.ts");
    const near = nearest(session, await registrations(this.#opened));
    const hint = near.length > 0 ? `; did you mean ${near.map(cleanLine).join(" or ")}?` : "";
    this.io.err(`note: no session ${asTyped(session)} is registered here${hint}\n`);
  }

  /** The address of the server that has the relay, if it is not in files here. */
  get server(): string | undefined {
    return serverOf(this.openOptions());
  }

  /** Called when a verb has done its work: the relay that it used is there now, so its project is noted. */
  done(): void {
    if (this.#newDir !== undefined && fs.existsSync(this.#newDir))
      this.io.err(`note: made a new relay in ${cleanLine(this.#newDir)}\n`);
    if (this.#dir !== undefined) noteProject(this.#dir, this.io.env);
  }

  openOptions(): OpenOptions {
    const { io, flags } = this;
    return {
      cwd: io.cwd,
      env: io.env,
      now: io.now,
      dir: flags.dir,
      server: flags.server,
      session: flags.session,
      agent: flags.agent,
      onNotice: (notice) => io.err(`note: ${cleanLine(notice.text)}\n`),
    };
  }

  /** Whether a person reads what is printed: one who acts, at a terminal, with no agent above. A model may have a terminal too. */
  get isReadByPerson(): boolean {
    const identity = this.#opened?.identity;
    return this.io.isTerminal && identity?.agent === "human" && identity.via === undefined;
  }

  /** What peers wrote, for whoever reads it. `what` is what it is; by default so many messages. */
  framed(lines: readonly string[], what?: string): string {
    return this.isReadByPerson ? lines.join("") : frame(lines, what);
  }

  /** Prints a text, by a person's pager where it is longer than the screen. */
  async print(text: string): Promise<void> {
    if (this.isReadByPerson) await (await import("./pager.ts")).printPaged(this.io, text);
    else await this.io.out(text);
  }

  /** Prints `value` as JSON if that was asked for, else `text`. */
  async say(value: unknown, text: string): Promise<void> {
    await (this.flags.json ? this.io.out(json(value, 2)) : this.print(text));
  }
}
