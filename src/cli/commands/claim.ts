import { type Claim, sayTargets } from "../../claims/claim.ts";
import { formatDuration, parseDuration } from "../../duration.ts";
import { RelayError } from "../../errors.ts";
import { claimWords, TENTATIVE } from "../../render/claims.ts";
import { quoted } from "../../shell/quote.ts";
import { asTyped } from "../../text.ts";
import { type Describe, verb } from "../command.ts";
import { untilInterrupted } from "../interrupt.ts";

interface Flags {
  readonly resource?: string[];
  readonly shared?: boolean;
  readonly reason?: string;
  readonly ttl?: string;
  readonly wait?: string | true;
  readonly apart?: boolean;
  readonly tell?: boolean;
}

const WAIT = 30_000; // ms, for a --wait that does not say how long

export const describe: Describe = ({ Command }, act) =>
  new Command("claim")
    .description("Reserve files, folders or globs, so that no other agent edits them. Claim again to renew.")
    .argument("[path...]", 'files, folders, or globs such as "src/**/*.ts"')
    .option("--resource <name...>", "something that is no file, such as db-migrations")
    .option("--shared", "others may have it as well, if they share it too")
    .option("--reason <text>", "why; those who want it are told")
    .option("--ttl <time>", "how long without renewal: 10s to 8h (default 30m)")
    .option("--wait [time]", "wait in line for it (default 30s)")
    .option("--tell", "tell everyone")
    .option("--apart", "in this worktree only, not the same path in all of them")
    .addHelpText("after", '\nExample: agent-relay claim src/db.ts --reason "new index" --wait 10m')
    .action((paths: string[], flags: Flags) =>
      act(async (cli) => {
        const relay = await cli.open();
        const { wait, resources, all } = told(paths, flags);
        return untilInterrupted(cli.io, async (signal) => {
          const claim = await relay.claim(all, {
            resources,
            ...(flags.shared && { mode: "shared" }),
            ...(flags.reason !== undefined && { reason: flags.reason }),
            ...(flags.ttl !== undefined && { ttl: parseDuration(flags.ttl) }),
            ...(wait !== undefined && { wait }),
            ...(flags.apart && { apart: true }),
            signal,
          });
          if (flags.tell)
            await relay.send(`I have claimed ${sayTargets(claim.targets)}${flags.reason ? `: ${flags.reason}` : ""}`, {
              kind: "status",
            });
          await cli.say(claim, `${claimed(claim)}\n`);
        });
      }),
    );

export const run = verb(describe);

/** What was meant: `--wait` may have a time, and takes a path that comes after it for one. Throws `usage` for a path after `--resource`. */
function told(paths: readonly string[], { wait, resource: [first, ...resources] = [] }: Flags) {
  const isTime = typeof wait === "string" && /^[\d.]+[a-z]*$/.test(wait);
  const swallowed = resources.filter((one) => one.includes("/"));
  if (swallowed.length > 0)
    throw new RelayError(
      "usage",
      `Cannot claim a resource named ${asTyped(swallowed[0] ?? "", 80)}: paths stand before --resource`,
      {
        next: `agent-relay claim ${[...paths, ...swallowed].map(quoted).join(" ")} --resource ${quoted(first ?? "")}`,
      },
    );
  return {
    wait: wait === undefined ? undefined : isTime ? parseDuration(wait) : WAIT,
    resources: first === undefined ? [] : [first, ...resources],
    all: typeof wait === "string" && !isTime ? [...paths, wait] : paths,
  };
}

function claimed(claim: Claim): string {
  return `Claimed ${claimWords(claim)} for ${formatDuration(claim.ttl)} (token ${claim.token}); ${claim.tentative ? TENTATIVE : "release it when you are done"}`;
}
