import { formatLeft } from "../../duration.ts";
import { claimWords } from "../../render/claims.ts";
import { namesOf } from "../../render/messages.ts";
import { cleanLine } from "../../text.ts";
import { type Describe, verb } from "../command.ts";
import { table } from "../output.ts";

export const describe: Describe = ({ Command }, act) =>
  new Command("claims")
    .description("Show what is claimed, by whom, and for how long.")
    .option("--mine", "only what you hold")
    .addHelpText("after", "\nExample: agent-relay claims --json")
    .action((flags: { mine?: boolean }) =>
      act(async (cli) => {
        const relay = await cli.open();
        const all = await relay.claims();
        const claims = flags.mine ? all.filter((claim) => claim.session_id === relay.session) : all;
        const names = namesOf(await relay.agents());
        const rows = claims.map((claim) => [
          claimWords(claim),
          cleanLine(names.get(claim.session_id) ?? claim.session_id) +
            (claim.session_id === relay.session ? " (you)" : ""),
          claim.mode + (claim.tentative ? ", tentative" : ""),
          claim.offered_until === undefined
            ? formatLeft(claim.expires_at - cli.now())
            : `offered, ${formatLeft(claim.offered_until - cli.now())}`,
          cleanLine(claim.reason ?? "-"),
        ]);
        await cli.say(
          claims,
          rows.length === 0
            ? ""
            : cli.framed([table([["WHAT", "WHO", "MODE", "LEFT", "WHY"], ...rows], cli.io.columns)], "claims"),
        );
        if (rows.length === 0) cli.io.err("Nothing is claimed\n");
      }),
    );

export const run = verb(describe);
