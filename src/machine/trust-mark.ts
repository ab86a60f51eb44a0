import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { errno, RelayError } from "../errors.ts";
import { hash } from "../hash.ts";
import { newNonce } from "../id.ts";
import { writeStateText } from "./state-file.ts";

/**
 * The mark that only this machine and this user can make for the relay `id`. A `.relay` that came with a cloned
 * repository cannot carry it, so its content is shown to people but never put before a model.
 */
export function markFor(id: string): string {
  const secret = machineSecret();
  const text = `agent-relay ${userId()} ${id}`;
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

/** The machine's own id, which a stranger cannot know; without one, a random word kept in the user's state folder. */
function machineSecret(): string {
  const ids = ["/etc/machine-id", "/var/lib/dbus/machine-id"].map(readIfThere);
  return ids.find((id) => /^[0-9a-f]{32}$/.test(id)) ?? ownSecret(); // an image may say "uninitialized", or nothing
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
