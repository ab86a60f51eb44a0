import fs from "node:fs";
import { folderOf, type RecordUpdate, type Value } from "../store.ts";
import { encode } from "./encode.ts";
import { linkOnce, readRecord, rememberWritten, rename, syncFolder, Unusable, writeOver } from "./files.ts";
import { type HeldLock, withLock } from "./lock.ts";
import type { Tree } from "./tree.ts";

/** How a change is written. */
export interface HowWritten {
  readonly isLasting: boolean;
  readonly removes?: boolean;
  /** Whether these bytes are on the disk in a second place, from which the record can be mended: they need no flush. */
  readonly isFlushed?: (bytes: Buffer) => boolean;
}

/** The result of one try at an update: the record as it is now, or that the record is to be removed. */
interface Outcome {
  readonly next: Value | undefined;
  readonly isRemoval: boolean;
}

/** Changes a record under its lock. `mend` is called if the file is no record; it throws unless the file is mended. */
export async function update(
  tree: Tree,
  key: string,
  change: RecordUpdate,
  { isLasting, removes = false, isFlushed = () => false }: HowWritten,
  mend: () => Promise<unknown>,
): Promise<Value | undefined> {
  const write = (held: HeldLock) => tryWrite(tree, key, change, { isLasting, isFlushed }, held);
  const removal = (held: HeldLock) => tryRemoval(tree, key, change, isLasting, held);
  return tree.writeLocked(key, async () => {
    let isRemoval = removes;
    for (;;) {
      try {
        let done: Outcome | undefined = isRemoval
          ? { next: undefined, isRemoval }
          : await withLock(lockOf(tree, key), write);
        isRemoval = false; // the hint `removes` decides about the first try only
        if (done?.isRemoval) done = await withLock(lockOf(tree, key), removal, "folder");
        if (done) return done.next;
      } catch (error) {
        if (!(error instanceof Unusable)) throw error;
        await mend();
      }
    }
  });
}

/** `create` for a disk without hard links. False if the record exists. */
export function createLocked(tree: Tree, key: string, value: Value, isLasting: boolean): Promise<boolean> {
  const target = tree.file(key);
  const create = ({ draft }: HeldLock) => {
    if (fs.existsSync(target)) return false;
    writeOver(draft, encode(value), isLasting);
    rename(draft, target);
    if (isLasting) syncFolder(`${tree.root}/${folderOf(key)}`);
    return true;
  };
  return tree.writeLocked(key, () => withLock(lockOf(tree, key), create));
}

function tryWrite(
  tree: Tree,
  key: string,
  change: RecordUpdate,
  { isLasting, isFlushed }: Required<Pick<HowWritten, "isLasting" | "isFlushed">>,
  { draft }: HeldLock,
): Outcome | undefined {
  const target = tree.file(key);
  const old = readRecord(target);
  const next = change(old);
  if (next === old || next === undefined) return { next, isRemoval: next !== old };
  const bytes = encode(next);
  const isSynced = isLasting && !(old && isFlushed(bytes));
  writeOver(draft, bytes, isSynced);
  const linked = old ? "no links" : linkOnce(draft, target);
  if (linked === "exists") return undefined; // made meanwhile by a `create`, which takes no lock where there are links
  if (linked === "no links") rename(draft, target);
  if (isSynced) syncFolder(`${tree.root}/${folderOf(key)}`);
  rememberWritten(target, bytes, next);
  return { next, isRemoval: false };
}

function tryRemoval(
  tree: Tree,
  key: string,
  change: RecordUpdate,
  isLasting: boolean,
  { draft }: HeldLock,
): Outcome | undefined {
  const target = tree.file(key);
  const old = readRecord(target);
  const next = change(old);
  if (next !== undefined) return undefined; // `change` keeps the record: the hint was wrong, or another has written it
  if (old) rename(target, draft);
  if (old && isLasting) syncFolder(`${tree.root}/${folderOf(key)}`);
  return { next, isRemoval: false };
}

export function lockOf(tree: Tree, key: string): string {
  return `${tree.root}/locks/${key.replaceAll("/", "+")}.lock`;
}
