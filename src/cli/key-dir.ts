import { RelayError } from "../errors.ts";
import { stateFolder } from "../machine/state-dir.ts";

/** Where this user's key, and what is known of servers, is kept. Throws `usage` where there is no such place. */
export function keysFolder(env: Readonly<Record<string, string | undefined>>): string {
  const folder = stateFolder(env);
  if (folder !== undefined) return folder;
  throw new RelayError("usage", "Cannot keep a key: there is no home folder", { next: "set HOME" });
}
