import type { Calls } from "../../agents/registry.ts";
import { durationOf, formatLeft } from "../../duration.ts";
import { RelayError } from "../../errors.ts";
import { shortId, withShortIds } from "../../id.ts";
import { KINDS, type Message } from "../../messages/message.ts";
import type { Relay } from "../../relay.ts";
import { callsIn, messageLines, sessionsIn as messageSessions } from "../../render/messages.ts";
import { cleanLine } from "../../text.ts";
import { sayConditions, sessionsIn, type Wait, type WaitFor } from "../../waits/wait.ts";
import type { WaitOptions } from "../../waits/waiting.ts";
import type { Cli } from "../cli.ts";
import { defineVerb } from "../command.ts";
import type { FlagsOf, FlagTable } from "../flag-table.ts";
import { untilInterrupted } from "../interrupt.ts";

const FLAGS = {
  "--released <path...>": "nobody else holds these",
  "--resource <name...>": "nor these resources",
  "--apart": "... in this worktree only",
  "--ended <who...>": "these agents have left or died",
  "--message": "a message is unread",
  "--from <who>": "... from this agent",
  "-k, --kind <kind>": { about: "... of this kind", choices: KINDS },
  "--reply-to <id...>": "these messages are answered",
  "--task-done <task...>": "these tasks are over",
  "--any": "one of all that is enough",
  "--timeout <time>": "wait no longer than this (default 10m, with --subscribe 8h)",
  "--subscribe": "return at once; a message will tell of the outcome",
  "--list": "show who has subscribed to what",
  "--outcome <wait>": "show what became of a wait that was subscribed to",
  "--cancel <wait>": "end a wait of yours",
} as const satisfies FlagTable;

type Flags = FlagsOf<typeof FLAGS>;

export const verb = defineVerb({
  name: "wait",
  about: "Wait until others have acted: for all that is named, or for --any of it. Exit code 5: not in time.",
  flags: FLAGS,
  forWord: (word) => (/^\d+[smhd]$/.test(word) ? `--message --timeout ${word}` : `--message --from ${word}`),
  example: "agent-relay wait --released src/db.ts --timeout 5m",
  run: wait,
});

async function wait(cli: Cli, flags: Flags): Promise<number | undefined> {
  const relay = await cli.open();
  const asked = [flags.list && "--list", flags.outcome && "--outcome", flags.cancel && "--cancel"].filter(Boolean);
  if (asked.length > 1)
    throw new RelayError("usage", `Cannot do ${asked.join(" and ")} at once`, { next: "agent-relay wait --help" });
  if (flags.list) {
    const all = await relay.waits.list();
    await cli.say(all, await described(cli, relay, all));
    if (all.length === 0) cli.io.err("Nobody waits by --subscribe\n");
    return undefined;
  }
  if (flags.outcome !== undefined || flags.cancel !== undefined) {
    const found =
      flags.cancel === undefined ? await relay.waits.get(flags.outcome ?? "") : await relay.waits.cancel(flags.cancel);
    await cli.say(found, await described(cli, relay, [found]));
    return undefined;
  }
  const wished: WaitFor = {
    ...{ released: flags.released, resources: flags.resource, ended: flags.ended, message: flags.message },
    ...{ from: flags.from, kind: flags.kind, replyTo: flags.replyTo, taskDone: flags.taskDone },
  };
  const options: WaitOptions = {
    any: flags.any,
    thisWorktreeOnly: flags.apart,
    timeoutMs: durationOf(flags.timeout),
  };
  if (flags.subscribe) {
    const made = await relay.waits.subscribe(wished, options);
    await cli.say(made, await described(cli, relay, [made]));
    return undefined;
  }
  return untilInterrupted(cli.io, async (signal) => {
    const { outcome } = await relay.wait(wished, { ...options, signal });
    const answers = await answersTo(relay, flags.replyTo ?? []);
    const others = outcome.filter((each) => !answers.some(({ id }) => each.startsWith(`${id} from `)));
    const names = await relay.agents.names(messageSessions(answers));
    const lines = answers.map((each) => messageLines(each, relay.session ?? "", names, cli.now()));
    const said = others.map((each) => `${cleanLine(withShortIds(each))}\n`).join("");
    await cli.say({ outcome, ...(flags.replyTo && { messages: answers }) }, said + cli.framed(lines));
    if (!cli.io.isUnheard) for (const { id } of answers) await relay.messages.markRead(id);
  });
}

/** What others have answered to questions. */
async function answersTo(relay: Relay, questions: readonly string[]): Promise<Message[]> {
  const answers: Message[] = [];
  for (const question of questions) {
    const { id } = await relay.messages.get(question);
    const all = await relay.messages.thread(id);
    answers.push(...all.filter(({ reply_to, from_session }) => reply_to === id && from_session !== relay.session));
  }
  return answers;
}

async function described(cli: Cli, relay: Relay, waits: readonly Wait[]): Promise<string> {
  const sessions = waits.flatMap(({ session_id, conditions }) => [session_id, ...sessionsIn(conditions)]);
  const call = callsIn(await relay.agents.names(sessions));
  return waits.map((wait) => `${describeWait(wait, call, cli.now())}\n`).join("");
}

function describeWait(wait: Wait, call: Calls, now: number): string {
  const { id, conditions, any, state, outcome = [], expires_at } = wait;
  const what = cleanLine(withShortIds(sayConditions(conditions, any, call)));
  const who = cleanLine(call(wait.session_id));
  const facts = {
    pending: `${who} waits for ${what}, ${formatLeft(Date.parse(expires_at) - now)} more; a message will tell of it`,
    satisfied: `${what}: ${outcome.map((each) => cleanLine(withShortIds(each))).join("; ")}`,
    timed_out: `${what}: not in time`,
    cancelled: `${what}: cancelled`,
    ended: `${what}: ${who} has ended itself`,
  };
  return `${shortId(id)} ${state}, ${facts[state]}`;
}
