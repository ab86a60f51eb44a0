import { errno, RelayError } from "../errors.ts";
import { object } from "../schema.ts";
import type { Store, Value } from "./store.ts";

/** The record `key`, read by `schema`, or undefined. Throws `corrupt` if it cannot be read; it is then set aside. */
export async function parsed<T>(
  store: Store,
  key: string,
  schema: { parse(v: unknown, where: string): T },
): Promise<T | undefined> {
  const value = await store.get(key);
  if (value === undefined) return undefined;
  try {
    return schema.parse(value, key);
  } catch (error) {
    if (isCorrupt(error)) await store.quarantine(key, error.message);
    throw error;
  }
}

/** `parsed` for one of many: a record that cannot be read is set aside with a notice, and undefined is returned. */
export function parsedOrSkipped<T>(
  store: Store,
  key: string,
  schema: { parse(v: unknown, where: string): T },
): Promise<T | undefined> {
  return skipBroken(parsed(store, key, schema));
}

/** What a read gives, and undefined where the record is broken. */
export async function skipBroken<T>(reading: Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isCorrupt(error)) return undefined;
    throw error;
  }
}

/** Whether a record was there and is broken. */
export function isCorrupt(error: unknown): error is RelayError {
  return error instanceof RelayError && error.code === "corrupt";
}

/**
 * Reads many records one after the other. One that is there and cannot be read now is passed over, and told of: it is
 * neither gone nor broken.
 */
export async function* eachReadable<T>(
  store: Store,
  ids: Iterable<string>,
  read: (id: string) => Promise<T>,
): AsyncGenerator<readonly [id: string, T]> {
  for (const id of ids) {
    let found: { readonly value: T };
    try {
      found = { value: await read(id) };
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      store.passedOver?.(error);
      continue;
    }
    yield [id, found.value];
  }
}

/** Whether a record is there and cannot be read now: by this user, or from this disk. */
export function isUnreadable(error: unknown): error is RelayError {
  return error instanceof RelayError && ["EACCES", "EPERM", "EIO"].includes(errno(error.cause) ?? "");
}

/** Whether nothing can be written now: the disk is full, or may not be written to. */
function isUnwritable(error: unknown): error is RelayError {
  const codes = ["ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM"];
  return error instanceof RelayError && codes.includes(errno(error.cause) ?? "");
}

/** Does what a verb does beside its own answer: what cannot be read or written for it is told, and fails nothing. */
export async function besides(store: Store, run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!isUnreadable(error) && !isUnwritable(error)) throw error;
    store.passedOver?.(error);
  }
}

/** A record as it is, or undefined if there is none that can be read. */
export function valueOrSkipped(store: Store, key: string): Promise<Value | undefined> {
  return parsedOrSkipped(store, key, object({}));
}
