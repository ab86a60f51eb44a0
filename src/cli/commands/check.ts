import { sayTargets } from "../../claims/claim.ts";
import { formatLeft } from "../../duration.ts";
import { claimWords } from "../../render/claims.ts";
import { namesOf } from "../../render/messages.ts";
import { cleanLine, inQuotes } from "../../text.ts";
import { type Describe, verb } from "../command.ts";
import { EXIT } from "../exit.ts";

export const describe: Describe = ({ Command }, act) =>
  new Command("check")
    .description("Ask whether you could claim something, without taking it. Exit code 4: another holds it.")
    .argument("[path...]", "files, folders or globs")
    .option("--resource <name...>", "resources")
    .option("--shared", "whether you could share it")
    .option("--apart", "in this worktree only")
    .addHelpText("after", "\nExample: agent-relay check src/db.ts && agent-relay claim src/db.ts")
    .action((paths: string[], flags: { resource?: string[]; shared?: boolean; apart?: boolean }) =>
      act(async (cli) => {
        const relay = await cli.open();
        const found = await relay.check(paths, {
          resources: flags.resource ?? [],
          ...(flags.shared && { mode: "shared" }),
          ...(flags.apart && { apart: true }),
        });
        const names = namesOf(await relay.agents());
        const lines = found.claims.map((claim) => {
          const isMine = claim.session_id === relay.session;
          const who = isMine ? "you hold" : `${cleanLine(names.get(claim.session_id) ?? claim.session_id)} holds`;
          const why = claim.reason === undefined ? "" : `: ${cleanLine(inQuotes(claim.reason))}`;
          const shared = claim.mode === "shared" ? " (shared)" : "";
          const left = formatLeft((claim.offered_until ?? claim.expires_at) - cli.now());
          return `${who} ${claimWords(claim)}${shared} for ${left} more${why}\n`;
        });
        const inLine = found.queue.map(
          ({ session_id, targets }) =>
            `${cleanLine(names.get(session_id) ?? session_id)} is in line for ${cleanLine(sayTargets(targets))}\n`,
        );
        await cli.say(found, cli.framed([...lines, ...inLine], "what is held") || "free\n");
        return found.is_free ? 0 : EXIT.conflict;
      }),
    );

export const run = verb(describe);
