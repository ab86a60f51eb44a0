import { type Context, Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { RelayError } from "../errors.ts";
import { list, object, optional, text } from "../schema.ts";
import { CHANGED, rangeOf, revisionOf } from "../store/http/wire.ts";
import { eachReadable, valueOrSkipped } from "../store/read.ts";
import type { Delivery, ListRange, Store, Value } from "../store/store.ts";
import { jsonText } from "../text.ts";
import { jsonAnswer } from "./answer.ts";

/** The operations of a store, at the same keys. `storeFor` gives the store as the caller may use it. */
export function storeRoutes(storeFor: (c: Context) => Store): Hono {
  const app = new Hono();

  app.get("records/:key{.+}", async (c) => {
    const [key, isFolder] = keyOf(c);
    const store = storeFor(c);
    if (isFolder && c.req.query("with") === "records")
      return jsonAnswer(c, { records: await recordsOf(store, key, rangeIn(c)) });
    if (isFolder) return jsonAnswer(c, { names: await store.list(key, rangeIn(c)) });
    const value = await store.get(key);
    if (value === undefined) return jsonAnswer(c, { value: null }, 404);
    c.header("ETag", `"${revisionOf(value)}"`);
    return jsonAnswer(c, { value });
  });

  app.put("records/:key{.+}", async (c) => {
    const [key] = keyOf(c);
    const store = storeFor(c);
    const value = valueIn(await bodyOf(c), "value");
    const worth = { lasting: c.req.query("lasting") !== "no" };
    if (c.req.header("If-None-Match") === "*") {
      const isNew = await store.create(key, value, worth);
      return jsonAnswer(c, { created: isNew }, isNew ? 201 : (CHANGED as ContentfulStatusCode));
    }
    return changed(c, store, key, value);
  });

  app.delete("records/:key{.+}", async (c) => {
    const [key] = keyOf(c);
    return changed(c, storeFor(c), key, undefined);
  });

  app.post("published/:key{.+}", async (c) => {
    const [key] = keyOf(c);
    const body = await bodyOf(c);
    const inboxes = await storeFor(c).publish(key, valueIn(body, "value"), deliveryIn(body));
    return jsonAnswer(c, { inboxes }, 201);
  });

  app.get("marks/:key{.+}", async (c) => {
    const [key, isFolder] = keyOf(c);
    const store = storeFor(c);
    if (isFolder && c.req.query("with") === "times")
      return jsonAnswer(c, { times: await timesOf(store, key, rangeIn(c)) });
    if (isFolder) return jsonAnswer(c, { names: await store.marks(key, rangeIn(c)) });
    const time = await store.markedAt(key);
    return jsonAnswer(c, { at: time ?? null }, time === undefined ? 404 : 200);
  });

  app.put("marks/:key{.+}", async (c) => {
    const [key] = keyOf(c);
    const { at } = await bodyOf(c);
    await storeFor(c).mark(key, typeof at === "number" ? at : undefined);
    return jsonAnswer(c, {});
  });

  app.delete("marks/:key{.+}", async (c) => {
    const [key] = keyOf(c);
    return jsonAnswer(c, { removed: await storeFor(c).unmark(key) });
  });

  app.get("logs/:key{.+}", async (c) => {
    const [key, isFolder] = keyOf(c);
    const store = storeFor(c);
    if (isFolder) return jsonAnswer(c, { names: await store.logs(key) });
    return jsonAnswer(c, await linesFrom(store, key, afterIn(c)));
  });

  app.post("logs/:key{.+}", async (c) => {
    const [key] = keyOf(c);
    await storeFor(c).append(key, valueIn(await bodyOf(c), "line"));
    return jsonAnswer(c, {}, 201);
  });

  app.delete("logs/:key{.+}", async (c) => {
    const [key] = keyOf(c);
    await storeFor(c).removeLog(key);
    return jsonAnswer(c, {});
  });

  app.post("quarantined/:key{.+}", async (c) => {
    const [key] = keyOf(c);
    const { reason } = await bodyOf(c);
    await storeFor(c).quarantine(key, String(reason));
    return jsonAnswer(c, {});
  });

  app.get("aside", async (c) => jsonAnswer(c, { records: (await storeFor(c).setAside?.()) ?? [] }));

  app.get("drafts/:key{.+}", async (c) => {
    const [key] = keyOf(c);
    return jsonAnswer(c, { is_draft: await storeFor(c).isDraft(key) });
  });

  return app;
}

/** A folder's records, by their names; null for one that cannot be read, so that who asks for the next ones goes on. */
async function recordsOf(store: Store, folder: string, range: ListRange): Promise<Value> {
  const found: Record<string, Value | null> = {};
  const names = await store.list(folder, range);
  for (const name of names) found[name] = null;
  for await (const [name, value] of eachReadable(store, names, (each) => valueOrSkipped(store, `${folder}/${each}`)))
    found[name] = value ?? null;
  return found;
}

async function timesOf(store: Store, folder: string, range: ListRange): Promise<Value> {
  const found: Record<string, number> = {};
  for (const name of await store.marks(folder, range)) {
    const at = await store.markedAt(`${folder}/${name}`);
    if (at !== undefined) found[name] = at;
  }
  return found;
}

const MAX_LINES = 2000; // in one answer

/** Throws `usage` for what is no number of lines. */
function afterIn(c: Context): number {
  const after = c.req.query("after") ?? "0";
  if (/^\d{1,9}$/.test(after)) return Number(after);
  throw new RelayError("usage", `Cannot read after ${jsonText(after)}: it is a whole number of lines`);
}

/** Up to MAX_LINES lines of a log, after its first `after`. `next` is the `after` of the rest, if there is any. */
async function linesFrom(store: Store, key: string, after: number) {
  const lines: (Value | null)[] = [];
  for await (const line of store.lines(key, after)) {
    if (lines.length === MAX_LINES) return { lines, next: after + MAX_LINES };
    lines.push(line ?? null);
  }
  return { lines };
}

/** The key in the path, and whether it names a folder (it ends with `/`). */
export function keyOf(c: Context): [key: string, isFolder: boolean] {
  const key = c.req.param("key") ?? "";
  return key.endsWith("/") ? [key.slice(0, -1), true] : [key, false];
}

export function rangeIn(c: Context): ListRange {
  return rangeOf(new URL(c.req.url).searchParams);
}

/** Changes a record that still is as the caller has seen it: `If-Match` names its revision, or `none` for no record. */
async function changed(c: Context, store: Store, key: string, next: Value | undefined) {
  const seen = c.req.header("If-Match");
  if (seen === undefined)
    throw new RelayError("usage", "Cannot change a record without If-Match: name the revision that you have seen");
  let isSame = true;
  await store.update(
    key,
    (old) => {
      isSame = seen === (old === undefined ? "none" : `"${revisionOf(old)}"`);
      return isSame ? next : old;
    },
    { lasting: c.req.query("lasting") !== "no", removes: next === undefined },
  );
  return jsonAnswer(c, { changed: isSame }, isSame ? 200 : (CHANGED as ContentfulStatusCode));
}

/** The body of a request: one JSON object. Throws `usage`. */
export async function bodyOf(c: Context): Promise<Value> {
  const text = await c.req.text().catch(() => ""); // the request broke off: nobody waits for the error
  const body = isShallow(text) ? parsed(text) : undefined;
  if (isValue(body)) return body;
  throw new RelayError("usage", "Cannot read the request: its body is to be one JSON object, not nested deeply");
}

const MAX_DEPTH = 64; // of brackets in brackets: a file is not read from 200 on

/** Checks the text before it is parsed: JSON that is nested deeply enough takes the parser down. */
function isShallow(text: string): boolean {
  let depth = 0;
  let isText = false;
  for (let index = 0; index < text.length; index++) {
    const letter = text[index];
    if (isText) {
      if (letter === "\\") index++;
      else if (letter === '"') isText = false;
    } else if (letter === '"') isText = true;
    else if (letter === "{" || letter === "[") {
      if (++depth > MAX_DEPTH) return false;
    } else if (letter === "}" || letter === "]") depth--;
  }
  return true;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function valueIn(body: Value, field: string): Value {
  const value = body[field];
  if (isValue(value)) return value;
  throw new RelayError("usage", `Cannot read the request: "${field}" is to be a JSON object`);
}

function isValue(value: unknown): value is Value {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const DeliveryInBody = object({
  inboxes: list(text()),
  everyoneIn: optional(text()),
  index: optional(text()),
  except: optional(text()),
});

function deliveryIn({ delivery }: Value): Delivery {
  return DeliveryInBody.parse(delivery, "the delivery");
}
