import { RelayError } from "../errors.ts";
import { asTyped } from "../text.ts";
import type { Store } from "./store.ts";

const MIN_PART_CHARS = 4; // of an id, to find it by: fewer fit too many
const MAX_NAMED = 5; // ids that an error names

/** The ids that begin or end with `part`; none for a part that is too short to tell. */
export function idsWith(ids: readonly string[], part: string): string[] {
  if (part.length < MIN_PART_CHARS) return [];
  return ids.filter((id) => id.startsWith(part) || id.endsWith(part));
}

/** The same of a folder's records: the store looks, so that where it is a server no other names come over the network. */
export async function namesWith(store: Pick<Store, "list">, folder: string, part: string): Promise<string[]> {
  return part.length < MIN_PART_CHARS ? [] : idsWith(await store.list(folder, { part }), part);
}

/** The one of these ids that `part` means; undefined if there is none. Throws `usage` for several, with these. */
export function onlyOne(ids: readonly string[], part: string, what: string): string | undefined {
  const [found, another] = ids;
  if (another === undefined) return found;
  const named = ids.slice(0, MAX_NAMED).join(", ");
  const more = ids.length > MAX_NAMED ? `, and ${ids.length - MAX_NAMED} more` : "";
  throw new RelayError("usage", `Cannot tell which ${what} ${asTyped(part, 80)} is: it could be ${named}${more}`, {
    next: "give more of the id",
    details: { candidates: ids.slice(0, MAX_NAMED) },
  });
}
