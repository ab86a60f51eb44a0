import { expect, test } from "vitest";
import { isRelayName } from "../../src/server/relay-names.ts";
import { API_ROUTES } from "../../src/server/routes.ts";

test("no relay is called as a path that every relay has", () => {
  const heads = API_ROUTES.map(({ path }) => path.split("/")[1] ?? "");
  expect(new Set(heads)).toContain("agents");
  for (const name of [...heads, "v1", "health", "metrics", "openapi.json", "events", "a/b", ""])
    expect(isRelayName(name), name).toBe(false);
  for (const name of ["shop", "agents-2"]) expect(isRelayName(name), name).toBe(true);
});
