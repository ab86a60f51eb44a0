import { RelayError } from "../../errors.ts";
import { liveness, place } from "../../machine/process.ts";
import { asTyped } from "../../text.ts";
import type { Cli } from "../cli.ts";
import { defineVerb } from "../command.ts";
import type { FlagsOf, FlagTable } from "../flag-table.ts";
import { wholeNumber } from "../flags.ts";

const FLAGS = {
  "--name <name>": "a short handle that others can write to",
  "--role <role>": "what you are for, such as reviewer",
  "--pid <pid>": "the agent's own process; when it ends, you are gone",
  "--metadata <json>": "anything else, as a JSON object",
} as const satisfies FlagTable;

type RegisterFlags = FlagsOf<typeof FLAGS>;

export const verb = defineVerb({
  name: "register",
  about: "Make yourself known. Everything is optional: what is left out is found out or made up.",
  flags: FLAGS,
  forWord: (word) => `--name ${word}`,
  example: "agent-relay register --agent claude --session claude-1 --role reviewer",
  run: register,
});

async function register(cli: Cli, flags: RegisterFlags): Promise<void> {
  const pid = flags.pid === undefined ? undefined : wholeNumber(flags.pid, "--pid");
  if (pid !== undefined && liveness({ pid, started: undefined, place: place() }) === "dead")
    throw new RelayError("not_found", `Cannot register with --pid ${pid}: there is no such process`, {
      next: "give the pid of the agent itself, or leave it away",
    });
  const relay = await cli.open({ pid });
  const agent = await relay.agents.register({
    name: flags.name,
    role: flags.role,
    metadata: flags.metadata === undefined ? undefined : objectOf(flags.metadata),
  });
  const unread = await relay.messages.unreadCount();
  const process = agent.pid === 0 ? "no process known: silence alone tells when it is gone" : `pid ${agent.pid}`;
  await cli.say(
    agent,
    `Registered ${agent.session_id} as ${agent.name} (${agent.agent_id}, ${process}); ${unread} unread\n`,
  );
}

function objectOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new RelayError("usage", `Cannot use --metadata ${asTyped(text, 80)}: it is not a JSON object`, {
    next: `agent-relay register --metadata '{"model":"opus"}'`,
  });
}
