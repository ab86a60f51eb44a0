import { RelayError } from "../errors.ts";
import { stateFolder } from "../machine/state-dir.ts";

/** The folder of this user's key and of what is known of servers. Throws `usage` if there is no home folder. */
export function keysFolder(env: Readonly<Record<string, string | undefined>>): string {
  const folder = stateFolder(env);
  if (folder !== undefined) return folder;
  throw new RelayError("usage", "Cannot keep a key: there is no home folder", { next: "set HOME" });
}
