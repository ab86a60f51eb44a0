import fs from "node:fs";
import path from "node:path";
import { errno, RelayError, systemError } from "../../errors.ts";
import { newId, newNonce } from "../../id.ts";
import { markFor } from "../../machine/trust-mark.ts";
import { quoted } from "../../shell/quote.ts";
import { iso } from "../../time.ts";
import { FORMAT } from "../format.ts";
import { encode } from "./encode.ts";
import { linkOnce, makeFolder, readText, remove, syncFolder, Unusable, writeNew } from "./files.ts";

const OURS = ["README", ".gitignore", "relay.json", "inboxes", "archive"];
const FOLDERS = ["drafts", "agents", "names", "messages", "inboxes/all", "locks", "stamps", "archive/agents"];

/**
 * The format of the relay at `root`, or undefined if there is none. Throws `refused` unless it is a real folder that this user owns, or one of
 * `trusted`; `refused` too for a format newer than ours.
 */
export function findRoot(root: string, trusted: readonly string[]): number | undefined {
  const stat = fs.lstatSync(root, { throwIfNoEntry: false });
  if (!stat) return undefined;
  if (stat.isSymbolicLink()) throw refusal(root, "it is a symbolic link", "give the real folder with --dir");
  if (!stat.isDirectory()) throw refusal(root, "it is a file", "move it away, or give another folder with --dir");
  const user = process.getuid?.();
  if (user !== undefined && stat.uid !== user && !trusted.includes(path.resolve(root)))
    throw refusal(
      root,
      `user ${stat.uid} owns it, not you (${user})`,
      `AGENT_RELAY_TRUST_DIR=${root} if you trust them`,
    );
  if (!fs.existsSync(`${root}/relay.json`)) refuseOthers(root);
  const format = formatOf(root);
  if (format > FORMAT)
    throw refusal(root, `it has format ${format}, made by a newer agent-relay`, "update agent-relay");
  return format;
}

/** Throws `refused` for the superuser in another's relay: its owner could not read what is written there. */
export function refuseRoot(root: string): void {
  const owner = process.getuid?.() === 0 ? (fs.lstatSync(root, { throwIfNoEntry: false })?.uid ?? 0) : 0;
  if (owner !== 0)
    throw refusal(
      root,
      `you are root, and user ${owner} could not read what you write`,
      `sudo -u '#${owner}' agent-relay ...`,
    );
}

/**
 * Makes the relay at `root` if it is missing, wholly or in part. Many processes may do so at once. Returns a warning
 * about its disk, if there is one.
 */
export function makeRoot(root: string, now: number, lasting: boolean): string | undefined {
  if (!fs.existsSync(`${root}/relay.json`)) {
    refuseOthers(root);
    makeFolder(root);
    // Records in a relay without relay.json come from someone else, who may be a stranger.
    const isOurs = isEmpty(root);
    for (const folder of FOLDERS) makeFolder(`${root}/${folder}`);
    writeOnce(root, ".gitignore", Buffer.from("*\n"), lasting);
    writeOnce(root, "README", Buffer.from(README), lasting);
    const id = newId("relay", now);
    const record = {
      format: FORMAT,
      id,
      created_at: iso(now),
      ...(isOurs ? { mark: markFor(id, root) } : {}),
    };
    // Before relay.json: a process that finds it trusts that the folders last, even if their maker is killed just then.
    if (lasting) for (const folder of [`${root}/archive`, root, path.dirname(root)]) syncFolder(folder);
    writeOnce(root, "relay.json", encode(record), lasting);
    if (lasting) syncFolder(root);
    return diskWarning(root);
  }
  return undefined;
}

/**
 * Refuses a folder of other things: somebody's project, which our `.gitignore` would hide from git, or what another
 * program of the same name keeps there. The `agent-relay` crate's folder has messages in it, or agents.
 */
function refuseOthers(root: string): void {
  const names = namesOf(root);
  // A power cut during the first use may leave any part of a relay.
  const isOurs = (name: string) => OURS.includes(name) || FOLDERS.includes(name) || name.startsWith("start-");
  const isCrates = ["messages", "agents"].some((name) => names.includes(name) && isFolder(`${root}/${name}`));
  if (isCrates || names.every(isOurs)) return;
  const own = quoted(`${path.dirname(root)}/.relay-of-agents`);
  throw refusal(
    root,
    "it holds other things, and is no relay",
    `give one a folder of its own: --dir ${own}, or AGENT_RELAY_DIR=${own}`,
  );
}

function isFolder(folder: string): boolean {
  return fs.lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
}

function namesOf(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch (error) {
    if (errno(error) === "ENOENT") return [];
    throw systemError(`look into "${folder}"`, error);
  }
}

// The kernel's numbers for disks (statfs(2)) whose locks and renames reach other machines late, or not at all.
const NETWORK_DISKS = [0x6969, 0x517b, 0xfe534d42, 0xff534d42, 0x01021997, 0x0bd00bd0, 0x00c36400];
const TMPFS = 0x01021994;

/** Whether locks and renames there reach other machines late, or not at all. */
export function isNetworkDisk(folder: string): boolean {
  return fs.existsSync(folder) && NETWORK_DISKS.includes(fs.statfsSync(folder).type);
}

// Disks of FUSE and of virtual machines: what another machine or a host writes there is told of by nobody (statfs(2)).
const SILENT_DISKS = [0x65735546, 0x786f4256];

/** Whether the system tells of what others write in a folder, as far as its disk's kind says. */
export function tellsOfChanges(folder: string): boolean {
  const { type } = fs.statfsSync(folder);
  return !NETWORK_DISKS.includes(type) && !SILENT_DISKS.includes(type);
}

function diskWarning(root: string): string | undefined {
  const { type } = fs.statfsSync(root);
  if (NETWORK_DISKS.includes(type))
    return `${root} is on a network disk, where locks are not safe: use a local one with --dir`;
  if (type === TMPFS) return `${root} is in memory (tmpfs): its mail does not outlive a reboot`;
  return undefined;
}

function refusal(root: string, why: string, next: string): RelayError {
  return new RelayError("refused", `Cannot use the relay "${root}": ${why}`, { next });
}

/** Whether a folder holds no file at any depth but those that every relay starts with: it has no record yet. */
function isEmpty(folder: string): boolean {
  try {
    return fs
      .readdirSync(folder, { withFileTypes: true })
      .every((entry) =>
        entry.isDirectory()
          ? isEmpty(`${folder}/${entry.name}`)
          : [".gitignore", "README"].includes(entry.name) || entry.name.startsWith("start-"),
      );
  } catch (error) {
    if (errno(error) !== "ENOENT") throw error;
    return false; // a lock that was there a moment ago: others are at work here already
  }
}

/** Writes a file whole, once; the first of many wins. */
function writeOnce(root: string, name: string, bytes: Buffer, lasting: boolean): void {
  const draft = `${root}/start-${newNonce()}`;
  writeNew(draft, bytes, lasting);
  try {
    const target = `${root}/${name}`;
    if (linkOnce(draft, target) === "no links" && !fs.existsSync(target)) fs.renameSync(draft, target); // nearly once
  } finally {
    remove(draft);
  }
}

function formatOf(root: string): number {
  try {
    const record: unknown = JSON.parse(readText(`${root}/relay.json`) ?? "{}");
    if (typeof record === "object" && record !== null && "format" in record) return Number(record.format) || FORMAT;
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof Unusable))
      throw systemError(`read "${root}/relay.json"`, error);
  }
  return FORMAT; // torn, or written by hand: nothing says that it is newer
}

const README = `This folder is a relay: agents that work in this project leave messages for each other here.
Every file is plain JSON: "agent-relay agents" and "agent-relay history", or "ls" and "cat", show it, and
deleting the folder resets it.

agents/      who is here: one file a session, and marks that say when it last lived and sent
messages/    one file a message, with the receipts of who was shown it
inboxes/     <session>/<message>: an empty file that says "unread"; open/: read, but still asks for something
drafts/      messages being written            locks/       held for the moment of one update
quarantine/  files that could not be read, each with the reason
`;
