import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { revisionOf } from "../../src/store/http/wire.ts";
import { tempDir } from "../support/cli.ts";
import { World } from "../support/http-relay.ts";
import { isWhole } from "../support/scale.ts";

const json = (body: unknown) => ({ body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });

describe("a request", () => {
  test("for no path of ours, or without an object in its body, has an error with a code", async () => {
    const world = await World.serve({ here: `${tempDir()}/.relay` });
    const errorOf = async (path: string, init: RequestInit = {}) => {
      const response = await world.fetch("here", path, world.local, "a", init);
      const { error } = (await response.json()) as { error: { code: string } };
      return [response.status, error.code];
    };
    expect(await errorOf("/nonsense")).toEqual([404, "not_found"]);
    expect(await errorOf("/v1/records/a/.hidden")).toEqual([400, "usage"]);
    expect(await errorOf("/v1/records/a/?limit=many")).toEqual([400, "usage"]);
    for (const body of ["", "[", "[]", "null", '"x"', '{"value":1}'])
      expect(await errorOf("/v1/records/a/b", { method: "PUT", body, headers: { "If-None-Match": "*" } })).toEqual([
        400,
        "usage",
      ]);
    expect(await errorOf("/v1/records/a/b", { method: "PUT", ...json({ value: {} }) })).toEqual([400, "usage"]);
  });

  test("to change a record is done only if that is still as the caller has seen it", async () => {
    const world = await World.serve({ here: `${tempDir()}/.relay` });
    const store = world.store("here");
    const change = async (seen: string, value?: object) => {
      const init = value ? { method: "PUT", ...json({ value }) } : { method: "DELETE" };
      const headers = { "If-Match": seen };
      return (await world.fetch("here", "/v1/records/greetings/a", world.local, "a", { ...init, headers })).status;
    };
    const tag = (value: object) => `"${revisionOf({ ...value })}"`;
    expect(await change("none", { n: 1 })).toBe(200);
    expect(await change("none", { n: 2 })).toBe(412);
    expect(await change(tag({ n: 0 }), { n: 2 })).toBe(412);
    expect(await store.get("greetings/a")).toEqual({ n: 1 });
    expect(await change(tag({ n: 1 }), { n: 2 })).toBe(200);
    expect(await change(tag({ n: 1 }))).toBe(412);
    expect(await change(tag({ n: 2 }))).toBe(200);
    expect(await store.get("greetings/a")).toBeUndefined();
  });

  test("whatever it is, by a member or by who runs the server, is answered as a mistake of the caller at worst", async () => {
    const world = await World.serve({ here: `${tempDir()}/.relay` });
    const secrets = [world.local, await world.token("here", "mallory"), "ar-token-nobody"];
    const words = [
      "v1",
      "records",
      "marks",
      "logs",
      "published",
      "drafts",
      "quarantined",
      "unread",
      "a",
      "b",
      "messages",
    ];
    const folders = [
      "agents",
      "archive",
      "claims",
      "live",
      "tasks",
      "edges",
      "waits",
      "inboxes",
      "activity",
      "names",
      "",
    ];
    const part = fc.constantFrom(...words, ...folders);
    const path = fc.array(fc.oneof({ weight: 6, arbitrary: part }, fc.string({ maxLength: 200 })), { maxLength: 6 });
    const value = fc.oneof(
      fc.string(),
      fc.json(),
      fc.record({ value: fc.object(), delivery: fc.object() }).map((body) => JSON.stringify(body)),
    );
    const header = fc.constantFrom("If-None-Match", "If-Match", "Idempotency-Key");
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...secrets),
        fc.constantFrom("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"),
        path,
        fc.dictionary(header, fc.constantFrom("*", "none", '"x"', "w")),
        value,
        async (secret, method, parts, headers, body) => {
          const request = `/${["v1", ...parts].map(encodeURIComponent).join("/")}`;
          const init = { method, headers, ...(method !== "GET" && { body }) };
          const response = await world.fetch("here", request, secret, "mallory", init);
          await response.body?.cancel();
          expect(response.status).toBeLessThan(500);
        },
      ),
      { numRuns: isWhole ? 1000 : 300 },
    );
    expect(world.log.filter(({ event }) => event === "bug")).toEqual([]);
  });
});
