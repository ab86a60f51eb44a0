import { isSegment } from "../store/key.ts";
import { API_ROUTES } from "./routes.ts";

// The first segments of the paths that every relay has: no relay can have such a name.
const TAKEN = new Set([
  ...["v1", "health", "metrics", "openapi.json", "events"],
  ...API_ROUTES.map(({ path }) => path.split("/")[1] ?? ""),
]);

/** Whether a relay can have this name in a server's addresses. */
export function isRelayName(name: string): boolean {
  return isSegment(name) && !TAKEN.has(name);
}
