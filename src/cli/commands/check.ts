import { claimLine, waiterLine } from "../../render/claims.ts";
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
    const lines = found.claims.map((claim) => claimLine(claim, names, relay.session, cli.now()));
    const inLine = found.queue.map((waiter) => `${waiterLine(waiter, names)}\n`);
    await cli.say(found, cli.framed([...lines, ...inLine], "what is held") || "free\n");
    return found.is_free ? 0 : EXIT.conflict;
  },
});
