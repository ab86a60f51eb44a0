import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { errno, RelayError, systemError } from "../errors.ts";
import { makeFolders } from "../folders.ts";
import { hash } from "../hash.ts";
import { newNonce } from "../id.ts";
import { writeStateText } from "./state-file.ts";

const PART = 32; // letters of one part of a mark

/**
 * The mark that only this machine's user can make for the relay `id` in `folder`. A `.relay` that came with a cloned
 * repository cannot carry it, so its content is shown to people but never put before a model. Two parts, each enough: of the
 * folder's path, which a disk or a mount may give another number, and of its number on the disk, which stays when it is moved.
 */
export function markFor(id: string, folder: string): string {
  const secret = secretToMarkWith();
  return partFor(secret, id, pathOf(folder)) + partFor(secret, id, numberOf(folder));
}

/** Whether `mark` is that of the relay `id` in `folder`: a copy of the folder is another relay. */
export function isMarkFor(mark: unknown, id: string, folder: string): boolean {
  if (typeof mark !== "string") return false;
  const [byPath, byNumber] = [mark.slice(0, PART), mark.slice(PART)];
  for (const secret of secretsKnown())
    if (partFor(secret, id, pathOf(folder)) === byPath || partFor(secret, id, numberOf(folder)) === byNumber)
      return true;
  return false;
}

/** `folder` is empty for a relay in memory. */
function pathOf(folder: string): string {
  if (folder === "") return "in memory";
  return `at ${fs.existsSync(folder) ? fs.realpathSync(folder) : path.resolve(folder)}`;
}

function numberOf(folder: string): string {
  return `number ${fs.statSync(folder, { bigint: true, throwIfNoEntry: false })?.ino ?? "none"}`;
}

function partFor(secret: string, id: string, place: string): string {
  const text = `agent-relay ${userId()} ${id} ${place}`;
  return keptMark(secret, text) ?? keepMark(secret, text);
}

/** A mark from an earlier run: node:crypto, which makes marks, takes a fifth of bare node to load. */
function keptMark(secret: string, text: string): string | undefined {
  const [from, of, mark = ""] = readIfThere(markFile(secret, text)).split("\n");
  return from === hash(secret).toString(36) && of === text && /^[0-9a-f]{32}$/.test(mark) ? mark : undefined;
}

function keepMark(secret: string, text: string): string {
  const { createHmac } = process.getBuiltinModule("node:crypto");
  const mark = createHmac("sha256", secret).update(text).digest("hex").slice(0, PART);
  try {
    writeStateText(markFile(secret, text), `${hash(secret).toString(36)}\n${text}\n${mark}\n`);
  } catch (error) {
    if (!(error instanceof RelayError)) throw error; // it is made again next time
  }
  return mark;
}

function markFile(secret: string, text: string): string {
  return path.join(stateHome(), "agent-relay", "marks", hash(`${secret} ${text}`).toString(36));
}

function stateHome(): string {
  return process.env.XDG_STATE_HOME || path.join(home(), ".local", "state");
}

function userId(): string {
  return String(process.getuid?.() ?? os.userInfo().username);
}

// The secret is a random word in the user's home folder, as the system has it: a sandbox or a host may say another in HOME or
// XDG_STATE_HOME, and its relays are the user's all the same. Where none can be kept there, it is kept where they say; else it
// is the machine's own id: another user of the machine may know that, a stranger not.

function secretToMarkWith(): string {
  let failed: unknown;
  for (const file of new Set([fileBelow(homeOfUser()), fileBelow(home()), fileIn(stateHome())]))
    try {
      return keptSecret(file);
    } catch (error) {
      if (errno(error) === undefined) throw error;
      failed = error;
    }
  const id = machineId();
  if (id === undefined) throw systemError("keep this user's secret", failed);
  return id;
}

/** Those that a mark of ours may have been made with; what the environment says first: to ask the system may take a while. */
function* secretsKnown(): Generator<string> {
  const seen = new Set<string>();
  for (const file of [() => fileBelow(home()), () => fileIn(stateHome()), () => fileBelow(homeOfUser())]) {
    const secret = readIfThere(file());
    if (secret !== "" && !seen.has(secret)) yield secret;
    seen.add(secret);
  }
  const id = machineId();
  if (id !== undefined && [...seen].join("") === "") yield id;
}

function fileBelow(home: string): string {
  return fileIn(path.join(home, ".local", "state"));
}

function fileIn(state: string): string {
  return path.join(state, "agent-relay", "machine");
}

/** Where the environment says that home is; the module that asks the system takes 1 ms of a run to load. */
function home(): string {
  return (process.platform !== "win32" && process.env.HOME) || os.homedir();
}

function homeOfUser(): string {
  try {
    return os.userInfo().homedir;
  } catch (error) {
    if (errno(error) === undefined) throw error; // a user whom the system does not know
    return home();
  }
}

/** An image may say "uninitialized", or nothing. */
function machineId(): string | undefined {
  return ["/etc/machine-id", "/var/lib/dbus/machine-id"].map(readIfThere).find((id) => /^[0-9a-f]{32}$/.test(id));
}

/** The word in a file, made if there is none. */
function keptSecret(file: string): string {
  const kept = readIfThere(file);
  if (kept) return kept;
  fs.rmSync(file, { force: true }); // empty: the power failed before it was on the disk
  makeFolders(path.dirname(file), 0o700);
  const draft = `${file}.${newNonce()}`;
  fs.writeFileSync(draft, newNonce() + newNonce(), { mode: 0o600 });
  try {
    fs.linkSync(draft, file); // one of many first users wins, and the others read what it wrote
  } catch (error) {
    if (errno(error) !== "EEXIST") throw error;
  } finally {
    fs.unlinkSync(draft);
  }
  return fs.readFileSync(file, "utf8").trim();
}

function readIfThere(file: string): string {
  try {
    return fs.readFileSync(file, "utf8").trim();
  } catch (error) {
    if (errno(error) === undefined) throw error;
    return "";
  }
}
