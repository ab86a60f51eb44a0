import { namesOf } from "../../lines.ts";
import { worktreesOf } from "../../project.ts";
import { cleanLine } from "../../text.ts";
import { EXIT } from "../exit.ts";
import { git, names } from "../git.ts";
import { type Describe, verb } from "../verb.ts";

interface Conflict {
  readonly file: string;
  /** Where it was changed, and who works there. */
  readonly worktrees: readonly { readonly root: string; readonly branch: string; readonly agents: readonly string[] }[];
}

export const describe: Describe = ({ Command }, act) =>
  new Command("conflicts")
    .description(
      "List files that were changed in more than one worktree, before anyone merges. Exit code 4: there are some.",
    )
    .addHelpText("after", "\nExample: agent-relay conflicts")
    .action(() =>
      act(async (cli) => {
        const agents = await (await cli.open()).agents();
        const called = namesOf(agents);
        const roots = worktreesOf(cli.io.cwd).filter(
          (root) => git(root, "rev-parse", "--is-inside-work-tree").trim() === "true",
        );
        const [main] = roots.sort((a, b) => Number(isLinked(a)) - Number(isLinked(b)) || (a < b ? -1 : 1));
        const byFile = new Map<string, string[]>();
        for (const root of roots)
          for (const file of changedIn(root, main ?? root)) byFile.set(file, [...(byFile.get(file) ?? []), root]);
        const place = (root: string) => ({
          root,
          branch: git(root, "rev-parse", "--abbrev-ref", "HEAD").trim(),
          agents: agents
            .filter(({ worktree, presence }) => worktree === root && presence !== "gone")
            .map(({ session_id }) => called.get(session_id) ?? session_id),
        });
        const places = new Map(roots.map((root) => [root, place(root)]));
        const found: Conflict[] = [...byFile]
          .filter(([, where]) => where.length > 1)
          .map(([file, where]) => ({ file, worktrees: where.flatMap((root) => places.get(root) ?? []) }))
          .sort((a, b) => (a.file < b.file ? -1 : 1));
        const lines = found.map(({ file, worktrees }) => {
          const where = worktrees.map(
            ({ branch, agents: who }) => `${branch}${who.length === 0 ? "" : ` (${who.join(", ")})`}`,
          );
          return `${cleanLine(`${file}: ${where.join("; ")}`)}\n`;
        });
        await cli.say(found, lines.join(""));
        if (found.length === 0) cli.io.err("No file was changed in more than one worktree\n");
        return found.length === 0 ? 0 : EXIT.conflict;
      }),
    );

export const run = verb(describe);

/** What a worktree has that the main one's last commit has not: committed since they parted, or not yet committed. */
function changedIn(root: string, main: string): string[] {
  const head = git(main, "rev-parse", "HEAD").trim();
  const base = git(root, "merge-base", "HEAD", head).trim();
  const tracked = names(git(root, "diff", "--name-only", "--no-renames", "-z", base));
  const fresh = names(git(root, "ls-files", "--others", "--exclude-standard", "-z"));
  return [...new Set([...tracked, ...fresh])];
}

function isLinked(root: string): boolean {
  return git(root, "rev-parse", "--git-dir").trim() !== git(root, "rev-parse", "--git-common-dir").trim();
}
