import path from "node:path";
import type { AgentView } from "../agents/registry.ts";
import { RelayError } from "../errors.ts";
import { agentsWithUnread } from "../messages/mailbox.ts";
import { knownProjects } from "../project/known.ts";
import { isTrusted } from "../project/trust.ts";
import { contextFor } from "./make-context.ts";
import { fileStore } from "./open.ts";

/** The agents of one project of this user on this machine. */
export interface ProjectAgents {
  /** The project's folder. */
  readonly project: string;
  /** Its relay's folder. */
  readonly dir: string;
  readonly agents: readonly AgentView[];
}

/**
 * The agents of each project whose relay this user has used, except relays that are not trusted here. `onFailure` is
 * called for a relay that cannot be read; the others are shown.
 */
export async function agentsOnMachine(
  { env, now }: { readonly env: Readonly<Record<string, string | undefined>>; readonly now: () => number },
  onFailure: (error: RelayError) => void,
): Promise<ProjectAgents[]> {
  const found: ProjectAgents[] = [];
  for (const { dir } of knownProjects(env).filter(({ exists }) => exists)) {
    const store = fileStore(dir, {});
    try {
      if (!(await isTrusted(store))) continue;
      const agents = await agentsWithUnread(contextFor({ now }, { dir, store, session: "nobody", agent: "agent" }));
      if (agents.length > 0) found.push({ project: path.dirname(dir), dir, agents });
    } catch (error) {
      if (!(error instanceof RelayError)) throw error;
      onFailure(error);
    }
  }
  return found;
}

/**
 * The relay's folder of the one project, other than `here`, in which agents are who have all these ids or names and are
 * not gone; undefined if there is none, or several.
 */
export function projectOfAll(projects: readonly ProjectAgents[], words: readonly string[], here: string) {
  const isIn = ({ agents }: ProjectAgents, word: string) =>
    agents.some(({ session_id, name, presence }) => presence !== "gone" && [session_id, name].includes(word));
  const found = projects.filter((each) => each.dir !== here && words.every((word) => isIn(each, word)));
  return found.length === 1 ? found[0]?.dir : undefined;
}
