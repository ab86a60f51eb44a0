import { RelayError } from "../errors.ts";
import type { Schema } from "../schema.ts";
import { readRecord, Unusable } from "../store/file/files.ts";

/** A record's value, for a check that looks at what can be read; of the rest the check of records tells. */
export function readable<T>(file: string, schema: Schema<T>, id: string): T | undefined {
  try {
    const value = readRecord(file);
    return value && schema.parse(value, id);
  } catch (error) {
    if (error instanceof Unusable || error instanceof RelayError) return undefined;
    throw error;
  }
}
