import fs from "node:fs";
import { errno, RelayError, systemError } from "../../errors.ts";
import { newNonce } from "../../id.ts";
import { checkKey, isSegment } from "../key.ts";
import { type Delivery, folderOf, inboxFull, nameOf, type Published, type Value } from "../store.ts";
import { encode } from "./encode.ts";
import { makeMark, namesIn, remove, rename, syncFolder, writeNew } from "./files.ts";
import type { Inboxes } from "./inboxes.ts";
import type { Tree } from "./tree.ts";

// The hottest path there is, run in processes that send a few messages and end: short functions without closures cost
// half the compilation of one long one (65 against 128 microseconds a send, over 500 sends).

/**
 * Writes `value` in the one order in which nobody can miss it: draft, pointers, the rename that makes it readable, then
 * the touch that wakes its readers. Without `isSynced`, a power cut may lose it.
 */
export function publish(
  tree: Tree,
  inboxes: Inboxes,
  { key, value, delivery }: Published,
  isSynced = tree.isLasting,
): string[] {
  const id = nameOf(key);
  const target = `${tree.root}/${key}.json`;
  if (!delivery.isNew && fs.existsSync(target)) throw exists(key);
  const draft = `${tree.root}/drafts/${id}`;
  const reached: string[] = [];
  writeDraft(tree, draft, value, isSynced);
  try {
    if (delivery.index !== undefined) list(tree, delivery.index, id);
    point(tree, inboxes, id, delivery, reached);
    rename(draft, target);
  } catch (error) {
    if (isPublishedMeanwhile(error, delivery, target)) throw exists(key);
    for (const inbox of reached) inboxes.unpoint(inbox, id);
    if (delivery.index !== undefined) inboxes.unpoint(delivery.index, id);
    remove(draft);
    throw error;
  }
  finish(tree, inboxes, { key, delivery }, reached, isSynced);
  return reached;
}

function exists(key: string): RelayError {
  return new RelayError("conflict", `Cannot publish "${key}": it exists`);
}

/** A retry may find the draft of an earlier try that was killed or is slow. Whichever draft is renamed, it is whole. */
function writeDraft(tree: Tree, draft: string, value: Value, isSynced: boolean): void {
  try {
    writeNew(draft, encode(value), isSynced);
  } catch (error) {
    if (errno(error) !== "EEXIST") throw error;
    const anew = `${tree.root}/drafts/new-${newNonce()}`;
    writeNew(anew, encode(value), isSynced);
    rename(anew, draft);
  }
}

/** Whether an earlier, slow try has renamed the draft. */
function isPublishedMeanwhile(error: unknown, { isNew }: Delivery, target: string): boolean {
  return !isNew && errno(error) === "ENOENT" && fs.existsSync(target);
}

/** Throws `usage` for a key that may not become a path. */
export function checkDelivery({ inboxes, everyoneIn, index }: Delivery): void {
  for (const inbox of inboxes) checkKey(`inboxes/${inbox}`);
  if (everyoneIn !== undefined) checkKey(everyoneIn);
  if (index !== undefined) checkKey(index);
}

function finish(
  tree: Tree,
  inboxes: Inboxes,
  { key, delivery }: Pick<Published, "key" | "delivery">,
  reached: string[],
  isSynced: boolean,
): void {
  const id = nameOf(key);
  try {
    if (isSynced) syncFolder(`${tree.root}/${folderOf(key)}`);
    // Sessions that registered meanwhile may have looked too early: point at them as well.
    if (delivery.everyoneIn !== undefined) point(tree, inboxes, id, delivery, reached);
    for (const inbox of reached) inboxes.wake(inbox, id, tree.now());
  } catch (error) {
    throw systemError(`finish publishing "${key}", which can be read already`, error);
  }
}

/** Lists the message in each inbox that is not in `reached` yet, and adds that inbox to `reached`. */
function point(tree: Tree, inboxes: Inboxes, id: string, delivery: Delivery, reached: string[]): void {
  for (const inbox of inboxesOf(tree.root, delivery)) {
    if (reached.includes(inbox)) continue;
    tree.enter(`inboxes/${inbox}`);
    if (inboxes.point(inbox, id)) reached.push(inbox);
    else if (delivery.inboxes.includes(inbox)) throw inboxFull(inbox, inboxes.limit);
  }
}

function inboxesOf(root: string, { inboxes, everyoneIn, except }: Delivery): readonly string[] {
  if (everyoneIn === undefined && except === undefined) return inboxes;
  const records =
    everyoneIn === undefined ? [] : namesIn(`${root}/${everyoneIn}`).filter((name) => name.endsWith(".json"));
  const sessions = records.map((name) => name.slice(0, -".json".length)).filter((name) => isSegment(name));
  return [...inboxes, ...sessions].filter((name) => name !== except);
}

function list(tree: Tree, inbox: string, id: string): void {
  tree.enter(`inboxes/${inbox}`);
  makeMark(`${tree.root}/inboxes/${inbox}/${id}`);
}
