import path from "node:path";
import type { AgentView } from "../agents/registry.ts";
import { RelayError } from "../errors.ts";
import { agentsWithUnread } from "../messages/mailbox.ts";
import { knownProjects } from "../project/known.ts";
import { isTrusted } from "../project/trust.ts";
import { contextFor } from "./make-context.ts";
import { fileStore } from "./open.ts";

/** One project of this user on this machine. */
export interface ProjectAgents {
  /** Its folder. */
  readonly project: string;
  readonly agents: readonly AgentView[];
}

/**
 * Who is at work in each project whose relay this user has used, but for those that nobody here trusts. `onFailure` is told of
 * a relay that cannot be read; the others are shown.
 */
export async function agentsOnMachine(
  env: Readonly<Record<string, string | undefined>>,
  onFailure: (error: RelayError) => void,
): Promise<ProjectAgents[]> {
  const found: ProjectAgents[] = [];
  for (const { dir } of knownProjects(env).filter(({ exists }) => exists)) {
    const store = fileStore(dir, {});
    try {
      if (!(await isTrusted(store))) continue;
      const agents = await agentsWithUnread(contextFor({}, { dir, store, session: "nobody", agent: "agent" }));
      if (agents.length > 0) found.push({ project: path.dirname(dir), agents });
    } catch (error) {
      if (!(error instanceof RelayError)) throw error;
      onFailure(error);
    }
  }
  return found;
}
