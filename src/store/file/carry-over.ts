import { errno } from "../../errors.ts";
import { FORMAT, inFormat2 } from "../format.ts";
import { isSegment } from "../key.ts";
import type { RecordUpdate, Value } from "../store.ts";
import { foldersIn, namesIn, readRecord, Unusable } from "./files.ts";
import { updateTogether } from "./together.ts";
import type { Tree } from "./tree.ts";
import { update } from "./update.ts";

const NO_RECORDS = [
  "messages",
  "inboxes",
  "drafts",
  "locks",
  "quarantine",
  "threads",
  "stamps",
  "collected",
  "activity",
];
const BATCH = 200;

/**
 * Carries a relay of an older format over: each record under its lock, and at last the relay's own, which says the format. A
 * run that was killed is gone on with by the next. A record that cannot be read now stays as it is: it is read as what it
 * means. Returns how many records have changed.
 */
export async function carryOver(tree: Tree, mend: (key: string) => Promise<unknown>): Promise<number> {
  const old = [...keysIn(tree.root, "")].filter((key) => {
    const record = key === "relay" ? undefined : recordAt(tree.file(key));
    return record !== undefined && inFormat2(key, record) !== record;
  });
  for (let start = 0; start < old.length; start += BATCH) {
    const changes = new Map<string, RecordUpdate>();
    for (const key of old.slice(start, start + BATCH)) changes.set(key, (record) => record && inFormat2(key, record));
    await updateTogether(tree, changes, mend);
  }
  const how = { isLasting: tree.isLasting };
  await update(
    tree,
    "relay",
    (relay) => relay && { ...relay, format: FORMAT },
    how,
    () => mend("relay"),
  );
  return old.length;
}

function* keysIn(root: string, folder: string): Generator<string> {
  const place = folder === "" ? root : `${root}/${folder}`;
  const inside = (name: string) => (folder === "" ? name : `${folder}/${name}`);
  for (const name of namesIn(place))
    if (name.endsWith(".json") && isSegment(name.slice(0, -".json".length)))
      yield inside(name.slice(0, -".json".length));
  for (const name of foldersIn(place))
    if (isSegment(name) && !NO_RECORDS.includes(inside(name))) yield* keysIn(root, inside(name));
}

function recordAt(file: string): Value | undefined {
  try {
    return readRecord(file);
  } catch (error) {
    if (error instanceof Unusable || ["EACCES", "EPERM", "EIO"].includes(errno(error) ?? "")) return undefined;
    throw error;
  }
}
