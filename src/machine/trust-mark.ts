import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { errno, RelayError } from "../errors.ts";
import { hash } from "../hash.ts";
import { newNonce } from "../id.ts";
import { writeStateText } from "./state-file.ts";

/**
 * The mark that only this machine's user can make for the relay `id` in `folder`. A `.relay` that came with a cloned
 * repository cannot carry it, so its content is shown to people but never put before a model. Two parts, each enough: of the
 * folder's path, which a disk or a mount may give another number, and of its number on the disk, which stays when it is moved.
 */
export function markFor(id: string, folder: string): string {
  return `${partFor(id, pathOf(folder))}.${partFor(id, numberOf(folder))}`;
}

/** Whether `mark` is that of the relay `id` in `folder`: a copy of the folder is another relay. */
export function isMarkFor(mark: unknown, id: string, folder: string): boolean {
  if (typeof mark !== "string") return false;
  const [byPath = "", byNumber = ""] = mark.split(".");
  return partFor(id, pathOf(folder)) === byPath || partFor(id, numberOf(folder)) === byNumber;
}

/** `folder` is empty for a relay in memory. */
function pathOf(folder: string): string {
  if (folder === "") return "in memory";
  return `at ${fs.existsSync(folder) ? fs.realpathSync(folder) : path.resolve(folder)}`;
}

function numberOf(folder: string): string {
  return `number ${fs.statSync(folder, { bigint: true, throwIfNoEntry: false })?.ino ?? "none"}`;
}

function partFor(id: string, place: string): string {
  const secret = machineSecret();
  const text = `agent-relay ${userId()} ${id} ${place}`;
  return keptMark(secret, text) ?? keepMark(secret, text);
}

/** A mark from an earlier run: node:crypto, which makes marks, takes a fifth of bare node to load. */
function keptMark(secret: string, text: string): string | undefined {
  const [from, of, mark = ""] = readIfThere(markFile(text)).split("\n");
  return from === hash(secret).toString(36) && of === text && /^[0-9a-f]{32}$/.test(mark) ? mark : undefined;
}

function keepMark(secret: string, text: string): string {
  const { createHmac } = process.getBuiltinModule("node:crypto");
  const mark = createHmac("sha256", secret).update(text).digest("hex").slice(0, 32);
  try {
    writeStateText(markFile(text), `${hash(secret).toString(36)}\n${text}\n${mark}\n`);
  } catch (error) {
    if (!(error instanceof RelayError)) throw error; // it is made again next time
  }
  return mark;
}

function markFile(text: string): string {
  return path.join(ownFolder(), "marks", hash(text).toString(36));
}

function ownFolder(): string {
  return path.join(process.env.XDG_STATE_HOME || path.join(os.homedir(), ".local", "state"), "agent-relay");
}

function userId(): string {
  return String(process.getuid?.() ?? os.userInfo().username);
}

/**
 * A random word kept in the user's state folder. Where none can be kept, the machine's own id: another user of the machine may
 * know it, a stranger not.
 */
function machineSecret(): string {
  try {
    return ownSecret();
  } catch (error) {
    if (errno(error) === undefined) throw error;
    const ids = ["/etc/machine-id", "/var/lib/dbus/machine-id"].map(readIfThere);
    const id = ids.find((word) => /^[0-9a-f]{32}$/.test(word)); // an image may say "uninitialized", or nothing
    if (id === undefined) throw error;
    return id;
  }
}

function ownSecret(): string {
  const folder = ownFolder();
  const file = path.join(folder, "machine");
  const kept = readIfThere(file);
  if (kept) return kept;
  fs.rmSync(file, { force: true }); // empty: the power failed before it was on the disk
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
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
