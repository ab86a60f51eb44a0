import { RelayError } from "./errors.ts";
import { iso, LAST_DATE } from "./time.ts";

/** A JSON Schema (2020-12). */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** One description of a record, for the compiler (`Infer`), for the check at run time, and for a reader. */
export interface Schema<T> {
  /** Returns `value` as a T. Throws `corrupt` naming `where`. */
  parse(value: unknown, where: string): T;
  /** The same for programs in other languages. */
  readonly json: JsonSchema;
  readonly isOptional?: true;
}

export type Infer<S> = S extends Schema<infer T> ? T : never;

type Shape = Readonly<Record<string, Schema<unknown>>>;
type OptionalKeys<S extends Shape> = { [K in keyof S]: S[K] extends { isOptional: true } ? K : never }[keyof S];
type Flatten<T> = { [K in keyof T]: T[K] };
type InferShape<S extends Shape> = Flatten<
  { readonly [K in Exclude<keyof S, OptionalKeys<S>>]: Infer<S[K]> } & {
    readonly [K in OptionalKeys<S>]?: Exclude<Infer<S[K]>, undefined>;
  }
>;

/**
 * An object with these fields. Fields it does not name are kept as they are. `renamed`: the names of format 1, each with the
 * name that its field has now.
 */
export function object<S extends Shape>(
  shape: S,
  renamed: Readonly<Record<string, string & keyof S>> = {},
): Schema<InferShape<S>> {
  const old = Object.entries(renamed);
  const fields = Object.entries(shape);
  return {
    get json() {
      const properties = Object.fromEntries(fields.map(([name, { json }]) => [name, json]));
      return {
        type: "object",
        properties,
        required: fields.filter(([, each]) => !each.isOptional).map(([name]) => name),
      };
    },
    parse(value, where) {
      if (!isObject(value)) throw wrong(where, "an object");
      const parsed: Record<string, unknown> = { ...value };
      for (const [was, is] of old) {
        if (!(was in parsed)) continue;
        parsed[is] ??= parsed[was];
        delete parsed[was];
      }
      for (const [field, schema] of fields) {
        const found = schema.parse(parsed[field], `${where}.${field}`);
        if (found !== undefined) parsed[field] = found;
        else if (field in parsed) delete parsed[field]; // slow for all later uses of the object
      }
      return parsed as InferShape<S>;
    },
  };
}

/** A field that may be missing. */
export function optional<T>(schema: Schema<T>): Schema<T | undefined> & { isOptional: true } {
  return {
    isOptional: true,
    get json() {
      return schema.json;
    },
    parse: (value, where) => (value === undefined || value === null ? undefined : schema.parse(value, where)),
  };
}

/**
 * A field that may be missing, of a record that other programs rewrite: a value of the wrong type counts as missing, since the
 * rest of the record is still good.
 */
export function extra<T>(schema: Schema<T>): Schema<T | undefined> & { isOptional: true } {
  const { parse } = optional(schema);
  return {
    isOptional: true,
    get json() {
      return schema.json;
    },
    parse(value, where) {
      try {
        return parse(value, where);
      } catch (error) {
        if (error instanceof RelayError) return undefined;
        throw error;
      }
    },
  };
}

export function text(): Schema<string> {
  return check({ type: "string" }, "a string", (value): value is string => typeof value === "string");
}

/** A whole number in a range, both ends included; by default 0 up to the largest that JSON keeps exact. */
export function integer(min = 0, max = Number.MAX_SAFE_INTEGER): Schema<number> {
  const json = { type: "integer", minimum: min, ...(max < Number.MAX_SAFE_INTEGER && { maximum: max }) };
  return check(json, `a whole number from ${min} to ${max}`, (value): value is number => {
    return Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max;
  });
}

const ISO = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;

/**
 * A moment: ISO 8601 in UTC with milliseconds. `unit` is the ms in one of the whole numbers that format 1 has in its place: they
 * read as the moment that they mean.
 */
export function moment(unit = 1): Schema<string> {
  return {
    json: { type: "string", format: "date-time" },
    parse(value, where) {
      if (typeof value === "string" && ISO.test(value)) return value;
      const time =
        typeof value === "string" ? Date.parse(value) : Number.isSafeInteger(value) ? Number(value) * unit : -1;
      return time >= 0 && time <= LAST_DATE ? iso(time) : fail(where, "a time");
    },
  };
}

export function flag(): Schema<boolean> {
  return check({ type: "boolean" }, "true or false", (value): value is boolean => typeof value === "boolean");
}

export function oneOf<const T extends string>(words: readonly T[]): Schema<T> {
  return check({ enum: words }, `one of ${words.join(", ")}`, (value): value is T =>
    words.some((word) => word === value),
  );
}

export function anything(): Schema<unknown> {
  return { json: {}, parse: (value, where) => (value === undefined ? fail(where, "there") : value) };
}

/** `schema`, or null; a missing field reads as null. */
export function nullable<T>(schema: Schema<T>): Schema<T | null> {
  return {
    get json() {
      return { anyOf: [schema.json, { type: "null" }] };
    },
    parse: (value, where) => (value === null || value === undefined ? null : schema.parse(value, where)),
  };
}

export function list<T>(schema: Schema<T>): Schema<readonly T[]> {
  return {
    get json() {
      return { type: "array", items: schema.json };
    },
    parse(value, where) {
      if (!Array.isArray(value)) throw wrong(where, "a list");
      return value.map((item, index) => schema.parse(item, `${where}[${index}]`));
    },
  };
}

/** An object whose every value is a T. */
export function record<T>(schema: Schema<T>): Schema<Readonly<Record<string, T>>> {
  return {
    get json() {
      return { type: "object", additionalProperties: schema.json };
    },
    parse(value, where) {
      if (!isObject(value)) throw wrong(where, "an object");
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, schema.parse(item, `${where}.${key}`)]),
      );
    },
  };
}

function check<T>(json: JsonSchema, what: string, is: (value: unknown) => value is T): Schema<T> {
  return { json, parse: (value, where) => (is(value) ? value : fail(where, what)) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fail(where: string, what: string): never {
  throw wrong(where, what);
}

function wrong(where: string, what: string): RelayError {
  return new RelayError("corrupt", `Cannot read "${where}": it is not ${what}`);
}
