import { RelayError } from "../errors.ts";

/** What a `get` gives, and undefined where it throws `not_found`: the `find` of the same thing. */
export async function foundOr<T>(getting: Promise<T>): Promise<T | undefined> {
  try {
    return await getting;
  } catch (error) {
    if (error instanceof RelayError && error.code === "not_found") return undefined;
    throw error;
  }
}
