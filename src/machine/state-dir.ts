import path from "node:path";

/** Our folder in this user's state folder; undefined if the environment names no home by an absolute path. */
export function stateFolder({
  XDG_STATE_HOME,
  HOME,
  USERPROFILE,
}: Readonly<Record<string, string | undefined>>): string | undefined {
  const isFolder = (value: string | undefined) => value !== undefined && path.isAbsolute(value); // as the XDG rule has it
  const home = [HOME, USERPROFILE].find(isFolder);
  const state = isFolder(XDG_STATE_HOME) ? XDG_STATE_HOME : home && path.join(home, ".local", "state");
  return state && path.join(state, "agent-relay");
}
