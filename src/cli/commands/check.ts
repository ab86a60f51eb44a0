import { sayTargets } from "../../claims/claim.ts";
import { formatLeft } from "../../duration.ts";
import { claimWords } from "../../render/claims.ts";
import { cleanLine, inQuotes } from "../../text.ts";
import { defineVerb } from "../command.ts";
import { EXIT } from "../exit.ts";

export const verb = defineVerb({
  name: "check",
  about: "Ask whether you could claim something, without taking it. Exit code 4: another holds it.",
  words: { "[path...]": "files, folders or globs" },
  flags: {
    "--resource <name...>": "resources",
    "--shared": "whether you could share it",
    "--apart": "in this worktree only",
  },
  example: "agent-relay check src/db.ts && agent-relay claim src/db.ts",
  async run(cli, flags, { path: paths }) {
    const relay = await cli.open();
    const found = await relay.claims.check(paths, {
      resources: flags.resource ?? [],
      mode: flags.shared ? "shared" : undefined,
      thisWorktreeOnly: flags.apart,
    });
    const names = await relay.agents.names([...found.claims, ...found.queue].map(({ session_id }) => session_id));
    const lines = found.claims.map((claim) => {
      const isMine = claim.session_id === relay.session;
      const who = isMine ? "you hold" : `${cleanLine(names.get(claim.session_id) ?? claim.session_id)} holds`;
      const why = claim.reason === undefined ? "" : `: ${cleanLine(inQuotes(claim.reason))}`;
      const shared = claim.mode === "shared" ? " (shared)" : "";
      const left = formatLeft(Date.parse(claim.offered_until ?? claim.expires_at) - cli.now());
      return `${who} ${claimWords(claim)}${shared} for ${left} more${why}\n`;
    });
    const inLine = found.queue.map(
      ({ session_id, targets }) =>
        `${cleanLine(names.get(session_id) ?? session_id)} is in line for ${cleanLine(sayTargets(targets))}\n`,
    );
    await cli.say(found, cli.framed([...lines, ...inLine], "what is held") || "free\n");
    return found.is_free ? 0 : EXIT.conflict;
  },
});
