import { RelayError } from "../errors.ts";
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
    if (error instanceof RelayError && error.code === "corrupt") await store.quarantine(key, error.message);
    throw error;
  }
}

/** `parsed` for one of many: a record that cannot be read is set aside with a notice, and undefined is returned. */
export async function parsedOrSkipped<T>(
  store: Store,
  key: string,
  schema: { parse(v: unknown, where: string): T },
): Promise<T | undefined> {
  try {
    return await parsed(store, key, schema);
  } catch (error) {
    if (error instanceof RelayError && error.code === "corrupt") return undefined;
    throw error;
  }
}

/** A record as it is, or undefined if there is none that can be read. */
export function valueOrSkipped(store: Store, key: string): Promise<Value | undefined> {
  return parsedOrSkipped(store, key, object({}));
}
