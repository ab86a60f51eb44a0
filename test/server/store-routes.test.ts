import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { storeRoutes } from "../../src/server/store-routes.ts";
import { FileStore } from "../../src/store/file/file-store.ts";
import { revisionOf } from "../../src/store/http/wire.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { tempDir } from "../cli.ts";

const app = (store = new MemoryStore()) => storeRoutes((name) => (name === "here" ? store : undefined));
const at = (path: string) => `http://relay/v1/here/${path}`;
const json = (body: unknown) => ({ body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });

describe("a request", () => {
  test("for a relay that is not served, for no path of ours, or without an object in its body, has an error with a code", async () => {
    const errorOf = async (request: string, init?: RequestInit) => {
      const response = await app().request(request, init);
      const { error } = (await response.json()) as { error: { code: string } };
      return [response.status, error.code];
    };
    expect(await errorOf("http://relay/v1/other/records/a/b")).toEqual([404, "not_found"]);
    expect(await errorOf("http://relay/nonsense")).toEqual([404, "not_found"]);
    expect(await errorOf(at("records/a/.hidden"))).toEqual([400, "usage"]);
    expect(await errorOf(at("records/a/?limit=many"))).toEqual([400, "usage"]);
    for (const body of ["", "[", "[]", "null", '"x"', '{"value":1}'])
      expect(await errorOf(at("records/a/b"), { method: "PUT", body, headers: { "If-None-Match": "*" } })).toEqual([
        400,
        "usage",
      ]);
    expect(await errorOf(at("records/a/b"), { method: "PUT", ...json({ value: {} }) })).toEqual([400, "usage"]);
  });

  test("to change a record is done only if that is still as the caller has seen it", async () => {
    const store = new MemoryStore();
    const change = async (seen: string, value?: object) => {
      const init = value ? { method: "PUT", ...json({ value }) } : { method: "DELETE" };
      const { status } = await app(store).request(at("records/a/b"), { ...init, headers: { "If-Match": seen } });
      return status;
    };
    const tag = (value: object) => `"${revisionOf({ ...value })}"`;
    expect(await change("none", { n: 1 })).toBe(200);
    expect(await change("none", { n: 2 })).toBe(412);
    expect(await change(tag({ n: 0 }), { n: 2 })).toBe(412);
    expect(await store.get("a/b")).toEqual({ n: 1 });
    expect(await change(tag({ n: 1 }), { n: 2 })).toBe(200);
    expect(await change(tag({ n: 1 }))).toBe(412);
    expect(await change(tag({ n: 2 }))).toBe(200);
    expect(await store.get("a/b")).toBeUndefined();
  });

  test("whatever it is, is answered as a mistake of the caller at worst", async () => {
    const served = storeRoutes(() => new FileStore(`${tempDir()}/.relay`, { durability: "process" }));
    const part = fc.constantFrom(
      "v1",
      "here",
      "records",
      "marks",
      "logs",
      "published",
      "drafts",
      "quarantined",
      "a",
      "b",
    );
    const path = fc.array(fc.oneof({ weight: 4, arbitrary: part }, fc.string({ maxLength: 200 })), { maxLength: 6 });
    const value = fc.oneof(
      fc.string(),
      fc.json(),
      fc.record({ value: fc.object(), delivery: fc.object() }).map((v) => JSON.stringify(v)),
    );
    const header = fc.constantFrom("If-None-Match", "If-Match");
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"),
        path,
        fc.dictionary(header, fc.constantFrom("*", "none", '"x"', "")),
        value,
        async (method, parts, headers, body) => {
          const url = `http://relay/v1/here/${parts.map(encodeURIComponent).join("/")}`;
          const response = await served.request(url, { method, headers, ...(method !== "GET" && { body }) });
          expect(response.status).toBeLessThan(500);
        },
      ),
      { numRuns: 500 },
    );
  });
});
