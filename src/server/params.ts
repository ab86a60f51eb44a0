import { RelayError } from "../errors.ts";
import { asTyped } from "../text.ts";

/** The parameters of a request, by name, as they came. */
export type Params = Readonly<Record<string, unknown>>;

/** The fields of a query: each once, or several times for a list. */
export function fieldsOf(query: URLSearchParams): Params {
  return Object.fromEntries(
    [...new Set(query.keys())].map((name) => {
      const all = query.getAll(name);
      return [name, all.length === 1 ? all[0] : all];
    }),
  );
}

/** Throws `usage` for an unknown field, since a misspelt one would be passed over, and for a missing one. */
export function checkNames(fields: Params, known: readonly string[], required: readonly string[] = []): void {
  const odd = Object.keys(fields).find((name) => !known.includes(name));
  if (odd !== undefined)
    throw new RelayError("usage", `Cannot use the field ${asTyped(odd, 80)}: there is none here`, {
      next: known.length === 0 ? "give none" : `give ${known.join(", ")}`,
    });
  const missing = required.find((name) => fields[name] === undefined);
  if (missing !== undefined) throw new RelayError("usage", `Cannot do that without the field "${missing}"`);
}

export function textIn(fields: Params, name: string): string | undefined {
  return as(fields, name, "a text", (value) => (typeof value === "string" ? value : undefined));
}

/** One text, or a list of them. */
export function textsIn(fields: Params, name: string): string[] | undefined {
  return as(fields, name, "a text or a list of texts", (value) => {
    const all = [value].flat();
    return all.every((each) => typeof each === "string") ? all : undefined;
  });
}

export function integerIn(fields: Params, name: string): number | undefined {
  return as(fields, name, "a whole number", (value) => {
    const number = typeof value === "string" && /^\d{1,9}$/.test(value) ? Number(value) : value;
    return Number.isSafeInteger(number) ? Number(number) : undefined;
  });
}

export function flagIn(fields: Params, name: string): boolean | undefined {
  return as(fields, name, "true or false", (value) => {
    if (value === "true" || value === "false") return value === "true";
    return typeof value === "boolean" ? value : undefined;
  });
}

function as<T>(fields: Params, name: string, what: string, read: (value: unknown) => T | undefined): T | undefined {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  const found = read(value);
  if (found !== undefined) return found;
  throw new RelayError("usage", `Cannot use the field "${name}": it is to be ${what}`);
}
