import path from "node:path";
import { stateFolder } from "./state-dir.ts";

type Env = Readonly<Record<string, string | undefined>>;

// What the launcher of the hooks (bin/agent-relay-hook) reads and writes in the user's state folder.

/** Says why hooks said nothing. Undefined if the environment names no home. */
export function hookLog(env: Env): string | undefined {
  const state = stateFolder(env);
  return state && path.join(state, "hook.log");
}

/** Names the Node that hooks start, on its first line: the one that ran setup. */
export function hookNode(env: Env): string | undefined {
  const state = stateFolder(env);
  return state && path.join(state, "node");
}
