import fs from "node:fs";
import path from "node:path";
import { errno } from "../errors.ts";
import { makeFolders } from "../folders.ts";
import { hash } from "../hash.ts";
import { stateFolder } from "../machine/state-dir.ts";

/** A relay that this user has used. */
export interface KnownProject {
  readonly dir: string;
  readonly exists: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Notes once that this user uses a relay. Does nothing in a sandbox that may not write to the state folder. */
export function noteProject(dir: string, env: Environment): void {
  const folder = folderOf(env);
  if (folder === undefined) return;
  const file = path.join(folder, nameOf(dir));
  if (fs.existsSync(file) || !fs.existsSync(path.join(dir, "relay.json"))) return;
  try {
    makeFolders(folder, 0o700);
    fs.writeFileSync(file, `${dir}\n`, { mode: 0o600 });
  } catch (error) {
    if (errno(error) === undefined) throw error;
  }
}

/** The relays this user has used, by path. */
export function knownProjects(env: Environment): KnownProject[] {
  const folder = folderOf(env);
  const names = folder === undefined ? [] : namesIn(folder);
  return names
    .map((name) => path.join(folder ?? "", name))
    .filter((file) => fs.lstatSync(file, { throwIfNoEntry: false })?.isFile())
    .map((file) => fs.readFileSync(file, "utf8").replace(/\n$/, ""))
    .filter((dir) => path.isAbsolute(dir))
    .sort()
    .map((dir) => ({ dir, exists: fs.existsSync(path.join(dir, "relay.json")) }));
}

/** Removes the note that this user uses a relay. */
export function dropProject(dir: string, env: Environment): void {
  const folder = folderOf(env);
  if (folder === undefined) return;
  try {
    fs.rmSync(path.join(folder, nameOf(dir)), { force: true });
  } catch (error) {
    if (errno(error) === undefined) throw error; // else there is no note, or its relay is shown as gone
  }
}

function folderOf(env: Environment): string | undefined {
  const state = stateFolder(env);
  return state && path.join(state, "projects");
}

/** A path as a file name. A long path keeps both ends, for a person to read, and a hash of the whole. */
function nameOf(dir: string): string {
  const name = encodeURIComponent(dir).replaceAll("%2F", "+");
  return name.length <= 200 ? name : `${name.slice(0, 90)}~${hash(name).toString(36)}~${name.slice(-90)}`;
}

function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errno(error) ?? "")) return [];
    throw error;
  }
}
