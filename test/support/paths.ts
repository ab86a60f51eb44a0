import path from "node:path";

export const ROOT = path.resolve(import.meta.dirname, "../..");

/** The command, as it is installed. */
export const COMMAND = path.join(ROOT, "bin/agent-relay.cjs");

/** What hosts start for a hook. */
export const LAUNCHER = path.join(ROOT, "bin/agent-relay-hook");
