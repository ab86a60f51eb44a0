import { RelayError } from "../errors.ts";
import { stateFolder } from "../state-folder.ts";

/** Where this user's key, and what is known of servers, is kept. Throws `usage` where there is no such place. */
export function keysFolder(env: Readonly<Record<string, string | undefined>>): string {
  const folder = stateFolder(env);
  if (folder !== undefined) return folder;
  throw new RelayError("usage", "Cannot keep a key: there is no home folder", { next: "set HOME" });
}

/** A word that can name a user or a machine, made of one that the system has. */
export function nameFrom(word: string, fallback: string): string {
  const name = word
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replace(/^[^a-z0-9]+/, "")
    .slice(0, 40)
    .replace(/[^a-z0-9]+$/, "");
  return name === "" ? fallback : name;
}
