import path from "node:path";

/** The folder for what this user's programs note, ours in it; undefined where the environment names no home. */
export function stateFolder({
  XDG_STATE_HOME,
  HOME,
  USERPROFILE,
}: Readonly<Record<string, string | undefined>>): string | undefined {
  const home = HOME ?? USERPROFILE;
  const state = XDG_STATE_HOME || (home && path.join(home, ".local", "state"));
  return state && path.join(state, "agent-relay");
}
