import path from "node:path";

/** Our folder in this user's state folder; undefined if the environment names no home. */
export function stateFolder({
  XDG_STATE_HOME,
  HOME,
  USERPROFILE,
}: Readonly<Record<string, string | undefined>>): string | undefined {
  const home = HOME ?? USERPROFILE;
  const state = XDG_STATE_HOME || (home && path.join(home, ".local", "state"));
  return state && path.join(state, "agent-relay");
}
