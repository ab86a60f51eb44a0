import { formatLeft } from "../../duration.ts";
import { claimWords } from "../../render/claims.ts";
import { cleanLine } from "../../text.ts";
import { defineVerb } from "../command.ts";
import { tableFor } from "../table.ts";

export const verb = defineVerb({
  name: "claims",
  about: "Show what is claimed, by whom, and for how long.",
  flags: { "--mine": "only what you hold" },
  example: "agent-relay claims --json",
  async run(cli, flags) {
    const relay = await cli.open();
    const all = await relay.claims.list();
    const claims = flags.mine ? all.filter((claim) => claim.session_id === relay.session) : all;
    const names = await relay.agents.names(claims.map(({ session_id }) => session_id));
    const rows = claims.map((claim) => [
      claimWords(claim),
      cleanLine(names.get(claim.session_id) ?? claim.session_id) + (claim.session_id === relay.session ? " (you)" : ""),
      claim.mode + (claim.tentative ? ", tentative" : ""),
      claim.offered_until === undefined
        ? formatLeft(Date.parse(claim.expires_at) - cli.now())
        : `offered, ${formatLeft(Date.parse(claim.offered_until) - cli.now())}`,
      cleanLine(claim.reason ?? "-"),
    ]);
    await cli.say(
      claims,
      rows.length === 0 ? "" : cli.framed([tableFor(cli, [["WHAT", "WHO", "MODE", "LEFT", "WHY"], ...rows])], "claims"),
    );
    if (rows.length === 0) cli.io.err("Nothing is claimed\n");
  },
});
