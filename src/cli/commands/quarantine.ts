import path from "node:path";
import type { Context } from "../../context.ts";
import { formatDuration } from "../../duration.ts";
import { makeContext } from "../../open/make-context.ts";
import type { PutBack, SetAside } from "../../store/store.ts";
import { cleanLine } from "../../text.ts";
import { retrySetAside, setAside } from "../../upkeep/quarantine.ts";
import { type Cli, isRelayAside, refuseStrangers } from "../cli.ts";
import { defineVerb } from "../command.ts";
import { EXIT } from "../exit.ts";

export const verb = defineVerb({
  name: "quarantine",
  about: "Show the records that could not be read and were set aside, or put back those that are whole again.",
  example: "agent-relay quarantine retry",
  run: list,
  parts: [
    defineVerb({ name: "list", about: "show them, with why", example: "agent-relay quarantine list", run: list }),
    defineVerb({
      name: "retry",
      about: "put back what was mended in its file there; exit code 3: nothing was put back",
      example: "agent-relay quarantine retry relay",
      words: { "[id]": "" },
      run: (cli, _, { id }) => retry(cli, id),
    }),
  ],
});

async function list(cli: Cli): Promise<void> {
  const found = await setAside(await contextOf(cli));
  const line = ({ key, reason, at, file }: SetAside) =>
    `${cleanLine(key)}: ${cleanLine(reason)}, set aside ${formatDuration(Math.max(0, cli.now() - Date.parse(at)))} ago${file === "" ? ", on the server" : ` as ${cleanLine(file)}`}\n`;
  await cli.say(found.map(shown), cli.framed(found.map(line), "what was set aside"));
  if (found.length === 0) cli.io.err("Nothing was set aside\n");
  else
    cli.io.err("Mend such a file where it is, then: agent-relay quarantine retry. Or remove it, if nobody misses it\n");
}

async function contextOf(cli: Cli): Promise<Context> {
  const { found } = await cli.openStrange();
  if (!(await isRelayAside(found))) await refuseStrangers(found); // else it could not be mended
  const { store, now, identity, project } = found;
  return makeContext({
    store,
    now,
    project: path.dirname(project.dir),
    session: identity.session,
    agent: identity.agent,
  });
}

const SAYS: Readonly<Record<PutBack, string>> = {
  back: "is back where it was",
  broken: "still cannot be read",
  taken: "stays set aside: another record stands in its place",
  gone: "is gone meanwhile",
};

async function retry(cli: Cli, id: string | undefined): Promise<number> {
  const retried = await retrySetAside(await contextOf(cli), id);
  await cli.say(
    retried.map((one) => ({ ...shown(one), outcome: one.outcome })),
    retried.map(({ key, outcome }) => `${cleanLine(key)} ${SAYS[outcome]}\n`).join(""),
  );
  if (retried.length === 0) cli.io.err("Nothing was set aside\n");
  return retried.some(({ outcome }) => outcome === "back") ? 0 : EXIT.not_found;
}

function shown({ key, reason, at, file }: SetAside) {
  return { key, reason, at, file };
}
