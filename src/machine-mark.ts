import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { errno } from "./errors.ts";
import { newNonce } from "./id.ts";

/**
 * The mark that only this machine and this user can make for the relay `id`. A `.relay` that came with a cloned
 * repository cannot carry it, so its content is shown to people but never put before a model.
 */
export function markFor(id: string): string {
  const { createHmac } = process.getBuiltinModule("node:crypto"); // costs a tenth of bare node to load: only when a mark is asked for
  return createHmac("sha256", machineSecret()).update(`agent-relay ${userId()} ${id}`).digest("hex").slice(0, 32);
}

function userId(): string {
  return String(process.getuid?.() ?? os.userInfo().username);
}

/** The machine's own id, which a stranger cannot know; where there is none, a random word kept in the user's folder. */
function machineSecret(): string {
  const ids = ["/etc/machine-id", "/var/lib/dbus/machine-id"].map(readIfThere);
  return ids.find((id) => /^[0-9a-f]{32}$/.test(id)) ?? ownSecret(); // an image may say "uninitialized", or nothing
}

function ownSecret(): string {
  const folder = path.join(process.env.XDG_STATE_HOME || path.join(os.homedir(), ".local", "state"), "agent-relay");
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
