import path from "node:path";
import { type Claim, sayTargets } from "../../claims/claim.ts";
import { durationOf, formatDuration } from "../../duration.ts";
import { RelayError } from "../../errors.ts";
import { claimWords, TENTATIVE } from "../../render/claims.ts";
import { quoted } from "../../shell/quote.ts";
import { asTyped } from "../../text.ts";
import { defineVerb } from "../command.ts";
import { untilInterrupted } from "../interrupt.ts";

const WAIT = 30_000; // ms, for a --wait that does not say how long

export const verb = defineVerb({
  name: "claim",
  about: "Reserve files, folders or globs, so that no other agent edits them. Claim again to renew.",
  words: { "[path...]": 'files, folders, or globs such as "src/**/*.ts"' },
  flags: {
    "--resource <name...>": "something that is no file, such as db-migrations",
    "--shared": "others may have it as well, if they share it too",
    "--reason <text>": "why; those who want it are told",
    "--ttl <time>": "how long without renewal: 10s to 8h (default 30m)",
    "--wait [time]": { about: "wait in line for it (default 30s)", isTime: true },
    "--tell": "tell everyone",
    "--apart": "in this worktree only, not the same path in all of them",
  },
  example: 'agent-relay claim src/db.ts --reason "new index" --wait 10m',
  async run(cli, flags, { path: paths }) {
    const relay = await cli.open();
    const { shared, reason, ttl, apart, tell } = flags;
    const resources = named(flags.resource, paths);
    return untilInterrupted(cli.io, async (signal) => {
      const mode = shared ? "shared" : undefined;
      const claim = await relay.claim(paths, {
        resources,
        mode,
        reason,
        ttlMs: durationOf(ttl),
        waitMs: flags.wait === true ? WAIT : durationOf(flags.wait),
        thisWorktreeOnly: apart,
        signal,
      });
      if (tell)
        await relay.send(`I have claimed ${sayTargets(claim.targets)}${reason ? `: ${reason}` : ""}`, {
          kind: "status",
        });
      await cli.say(claim, `${claimed(claim)}\n`);
      const outside = claim.targets.filter((target) => "path" in target && path.isAbsolute(target.path));
      if (outside.length > 0) cli.io.err(`note: outside this project: ${sayTargets(outside)}\n`);
    });
  },
});

/** The names of resources. Throws `usage` for a path after `--resource`, which takes all that follows. */
function named([first, ...others]: readonly string[] = [], paths: readonly string[]): string[] {
  const swallowed = others.filter((one) => one.includes("/"));
  if (swallowed.length > 0)
    throw new RelayError(
      "usage",
      `Cannot claim a resource named ${asTyped(swallowed[0] ?? "", 80)}: paths stand before --resource`,
      {
        next: `agent-relay claim ${[...paths, ...swallowed].map(quoted).join(" ")} --resource ${quoted(first ?? "")}`,
      },
    );
  return first === undefined ? [] : [first, ...others];
}

function claimed(claim: Claim): string {
  return `Claimed ${claimWords(claim)} for ${formatDuration(claim.ttl_ms)}; ${claim.tentative ? TENTATIVE : "release it when you are done"}`;
}
