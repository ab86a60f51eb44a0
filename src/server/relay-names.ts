import { isSegment } from "../store/key.ts";

/** The first segments of the paths that every relay has: no relay can have such a name. */
const TAKEN = ["v1", "health", "metrics", "openapi.json"];
const PLAIN = [
  "agents",
  "inbox",
  "messages",
  "threads",
  "history",
  "claims",
  "tasks",
  "status",
  "activity",
  "events",
  "unread",
];

/** Whether a relay can have this name in a server's addresses. */
export function isRelayName(name: string): boolean {
  return isSegment(name) && !TAKEN.includes(name) && !PLAIN.includes(name);
}
