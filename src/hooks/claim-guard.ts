import type { Claim } from "../claims/claim.ts";
import { askCommand, claimAgainCommand, sayBlockers } from "../claims/wording.ts";
import { RelayError } from "../errors.ts";
import type { Relay } from "../relay.ts";
import { callsIn } from "../render/messages.ts";
import { cleanLine, cut, inQuotes } from "../text.ts";
import { contextBlock } from "./context-block.ts";

const MAX_SAID_CHARS = 800; // of what the holders say
const MAX_PATH_CHARS = 200;

/** Why these files must not be written now, in words for a model; undefined if nothing stands against it. */
export async function reasonAgainst(
  relay: Relay,
  files: readonly string[],
  { session, cwd }: { readonly session: string; readonly cwd: string },
  now: number,
): Promise<string | undefined> {
  const isOthers = (claim: Claim) => claim.session_id !== session;
  const all = await checked(relay, files, cwd);
  if (all && !all.claims.some(isOthers)) return undefined;
  for (const file of files) {
    const found = files.length === 1 ? all : await checked(relay, [file], cwd);
    const blockers = (found?.claims.filter(isOthers) ?? []).map((claim) => ({ claim }));
    if (!found || blockers.length === 0 || found.is_mine) continue;
    const names = await relay.agents.names(blockers.map(({ claim }) => claim.session_id));
    const says = sayBlockers(blockers, callsIn(names), now);
    return denial(file, cut(cleanLine(says), MAX_SAID_CHARS));
  }
  return undefined;
}

/** The holders' words stand in the frame for untrusted text. The advice does not depend on them. */
function denial(file: string, says: string): string {
  const isLong = file.length > MAX_PATH_CHARS;
  const next = isLong ? "agent-relay claims" : `${claimAgainCommand([file], {})}, or ${askCommand([file])}`;
  const what = `${inQuotes(cut(cleanLine(file), MAX_PATH_CHARS))} is not to be edited now: another agent has claimed it.`;
  const { text } = contextBlock(
    [`${what} Work on something else, or: ${cleanLine(next)}\n`],
    [`${says}\n`],
    [],
    () => "",
    0,
  );
  return text.trimEnd();
}

async function checked(relay: Relay, files: readonly string[], cwd: string) {
  try {
    return await relay.claims.check(files, { cwd, thisWorktreeOnly: true, exact: true }); // a write is in one worktree
  } catch (error) {
    if (error instanceof RelayError && error.code === "usage") return undefined; // no path that anybody could claim
    throw error;
  }
}
