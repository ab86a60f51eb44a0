import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { jsonText } from "../text.ts";

/** A value as the answer to a request. Not Hono's own `c.json`, which lets half characters through. */
export function jsonAnswer(c: Context, value: unknown, status: ContentfulStatusCode = 200): Response {
  return c.body(jsonText(value), status, { "Content-Type": "application/json" });
}
