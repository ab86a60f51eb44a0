import { RelayError } from "../../errors.ts";
import type { Relay } from "../../relay.ts";
import { claimWords } from "../../render/claims.ts";
import { defineVerb } from "../command.ts";
import { askForPerson } from "../confirm.ts";

export const verb = defineVerb({
  name: "release",
  about: "Give back what you claimed; whoever waits for it gets it.",
  words: { "[path...]": "the paths; what you claimed below them goes too" },
  flags: {
    "--resource <name...>": "resources",
    "--all": "everything you hold",
    "--force": "take it away from whoever holds it; for people",
  },
  example: "agent-relay release src/db.ts",
  async run(cli, flags, { path: paths }) {
    const relay = await cli.open();
    if (flags.all && (paths.length > 0 || flags.resource))
      throw new RelayError("usage", "Cannot release --all and something by name: give one of them");
    if (!flags.all && paths.length === 0 && !flags.resource) throw await nothingNamed(relay);
    if (flags.force) askForPerson(cli, relay.agent, "take a claim away");
    const force = flags.force ?? false;
    const released = flags.all
      ? await relay.claims.releaseAll()
      : await relay.release(paths, { resources: flags.resource ?? [], force });
    const words = released.map(claimWords).join(", ");
    await cli.say(released, released.length === 0 ? "You held nothing\n" : `Released ${words}\n`);
  },
});

async function nothingNamed(relay: Relay): Promise<RelayError> {
  const mine = (await relay.claims.list()).filter(({ session_id }) => session_id === relay.session);
  const held = mine.length === 0 ? "you hold nothing" : `you hold ${mine.map(claimWords).join("; ")}`;
  return new RelayError("usage", `Cannot release nothing: ${held}`, {
    next: mine.length === 0 ? "agent-relay claims" : "agent-relay release --all, or some of these",
  });
}
