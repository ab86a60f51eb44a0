import fs from "node:fs";
import { errno, RelayError } from "../../errors.ts";
import { newNonce } from "../../id.ts";
import { systemTime } from "../../time.ts";
import { folderOf, type Published, type RecordUpdate, type Value } from "../store.ts";
import { encode } from "./encode.ts";
import { isOlder, namesIn, readRecord, remove, rename, syncFolder, Unusable, writeNew, writeOver } from "./files.ts";
import type { Inboxes } from "./inboxes.ts";
import { withLock } from "./lock.ts";
import { publish } from "./publish.ts";
import { TOGETHER, type Tree } from "./tree.ts";
import { lockOf, update } from "./update.ts";

// To flush ten small files takes ten times as long as to flush one. So what several records become is first written to
// one file, and flushed; then each is written without a flush. After a power cut, a record that did not come to the disk is
// there, broken, and is taken from that file by who reads it first.

const KEPT_MS = 3_600_000; // systems write what they were given within seconds, or minutes on a laptop that saves power
const MAX_BYTES = 4 * 1024 * 1024; // of a file that is read as one record

/** Changes several records, each under its own lock. Three flushes in all, and two for each that changed meanwhile. */
export async function updateTogether(
  tree: Tree,
  changes: ReadonlyMap<string, RecordUpdate>,
  mend: (key: string) => Promise<unknown>,
): Promise<void> {
  const planned = tree.isLasting && changes.size > 1 ? plannedOf(tree, changes) : new Map<string, Buffer>();
  if (planned.size > 0) tree.write("drafts/-", () => flush(tree, planned));
  for (const [key, change] of changes) {
    const isFlushed = (bytes: Buffer) => planned.get(key)?.equals(bytes) === true;
    await update(tree, key, change, { isLasting: tree.isLasting, isFlushed }, () => mend(key));
  }
  for (const folder of new Set([...planned.keys()].map(folderOf))) syncFolder(`${tree.root}/${folder}`);
}

/** Publishes records in their order; see `Store.publishTogether`. */
export function publishTogether(
  tree: Tree,
  inboxes: Inboxes,
  records: readonly Published[],
): (string[] | RelayError)[] {
  const planned = new Map(records.map(({ key, value }) => [key, encode(value)]));
  const isFlushed = tree.isLasting && sizeOf(planned.values()) <= MAX_BYTES;
  if (isFlushed) tree.write("drafts/-", () => flush(tree, planned));
  const done = records.map((record) => {
    try {
      return tree.write(record.key, () => publish(tree, inboxes, record, tree.isLasting && !isFlushed));
    } catch (error) {
      if (error instanceof RelayError) return error;
      throw error;
    }
  });
  if (isFlushed)
    for (const folder of new Set(records.map(({ key }) => folderOf(key)))) syncFolder(`${tree.root}/${folder}`);
  return done;
}

function sizeOf(all: Iterable<Buffer>): number {
  return [...all].reduce((sum, { length }) => sum + length, 0);
}

/** What the records will most likely become. */
function plannedOf(tree: Tree, changes: ReadonlyMap<string, RecordUpdate>): Map<string, Buffer> {
  const planned = new Map<string, Buffer>();
  let size = 0;
  for (const [key, change] of changes) {
    const old = valueAt(tree.file(key));
    const next = old && change(old);
    if (next === undefined || next === old) continue;
    const bytes = encode(next);
    size += bytes.length;
    if (size <= MAX_BYTES) planned.set(key, bytes);
  }
  return planned;
}

function flush(tree: Tree, planned: ReadonlyMap<string, Buffer>): void {
  const folder = `${tree.root}/drafts`;
  const now = systemTime(); // by the disk's clock
  for (const file of flushed(tree)) if (isOlder(file, now - KEPT_MS)) remove(file);
  const values = [...planned].map(([key, bytes]) => [key, JSON.parse(bytes.toString())]);
  writeNew(`${folder}/${TOGETHER}${newNonce()}`, encode(Object.fromEntries(values)), true);
  syncFolder(folder);
}

/** A broken record as it was last flushed with others, which it is from now on, where it can be written; or undefined. */
export async function mendedFromFlush(tree: Tree, key: string): Promise<Value | undefined> {
  const [file] = flushed(tree)
    .filter((each) => isRecord(valueAt(each)?.[key]))
    .sort((a, b) => fs.lstatSync(b).mtimeMs - fs.lstatSync(a).mtimeMs);
  const value = file === undefined ? undefined : valueAt(file)?.[key];
  if (!isRecord(value)) return undefined;
  try {
    await withLock(lockOf(tree, key), ({ draft }) => {
      if (valueAt(tree.file(key))) return; // another was first
      writeOver(draft, encode(value), true);
      rename(draft, tree.file(key));
      syncFolder(`${tree.root}/${folderOf(key)}`);
    });
  } catch (error) {
    if (!["EROFS", "EACCES", "EPERM", "ENOSPC", "EDQUOT"].includes(errno(error) ?? "")) throw error;
  }
  return value;
}

function isRecord(value: unknown): value is Value {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function flushed(tree: Tree): string[] {
  if (!tree.enter("drafts")) return [];
  const folder = `${tree.root}/drafts`;
  return namesIn(folder)
    .filter((name) => name.startsWith(TOGETHER))
    .map((name) => `${folder}/${name}`);
}

function valueAt(file: string): Value | undefined {
  try {
    return readRecord(file);
  } catch (error) {
    if (error instanceof Unusable) return undefined;
    throw error;
  }
}
