import fs from "node:fs";
import path from "node:path";
import { formatDuration, parseDuration } from "../../duration.ts";
import { errno, RelayError, systemError } from "../../errors.ts";
import { KINDS, type Kind } from "../../message.ts";
import type { Found } from "../../open.ts";
import type { Relay } from "../../relay.ts";
import type { Recipient, SendOptions, Sent } from "../../send.ts";
import { isSegment } from "../../store/key.ts";
import { cleanLine, countWord } from "../../text.ts";
import type { Cli } from "../cli.ts";
import { type Describe, verb } from "../verb.ts";

const MAX_INPUT = 8 * 1024 * 1024; // far above any body limit, so that the error can say how large it was

export interface SendFlags {
  to?: string[];
  kind?: Kind;
  thread?: string;
  replyTo?: string;
  ack?: boolean;
  deadline?: string;
  claim?: string[];
  expires?: string;
  keep?: boolean;
  file?: string;
  from?: string;
  sign?: boolean;
}

export const describe: Describe = ({ Command, Option }, act) =>
  new Command("send")
    .description("Send a message to everyone, or to some. It is on disk when this returns.")
    .argument("[text...]", "the message; - reads it from stdin")
    .option("-t, --to <who>", "session id, its beginning, name, role:<role>, human or all; repeatable", collect)
    .addOption(new Option("-k, --kind <kind>", "what sort of message it is").choices(KINDS))
    .option("--thread <id>", "put it into this conversation")
    .option("--reply-to <id>", "it answers this message")
    .option("--ack", "it comes back at each look until its reader acks or answers it")
    .option("--deadline <duration>", "you are told if it is not answered by then; with --ack one hour")
    .option(
      "--claim <what>",
      "ask whoever holds this path or resource to give it back (kind request-yield); repeatable",
      collect,
    )
    .option("--expires <duration>", "nobody is shown it after this: 10m, 2h")
    .option("--keep", "leave it for a session that is not known yet")
    .option("--file <path>", "read the text from a file")
    .option("--sign", "sign it with the SSH key that git signs with; `read` shows whether that is so")
    .option("-f, --from <session>", "the same as --session")
    .addHelpText("after", '\nExample: agent-relay send --to gemini-1 --kind question "Which port does the server use?"')
    .action((words: string[], flags: SendFlags) => act((cli) => send(cli, words, flags)));

export const options = {
  to: { type: "string", short: "t", multiple: true },
  kind: { type: "string", short: "k" },
  thread: { type: "string" },
  "reply-to": { type: "string" },
  ack: { type: "boolean" },
  deadline: { type: "string" },
  claim: { type: "string", multiple: true },
  expires: { type: "string" },
  keep: { type: "boolean" },
  file: { type: "string" },
  sign: { type: "boolean" },
  from: { type: "string", short: "f" },
} as const;

export const run = verb<SendFlags>(describe, {
  options,
  takesWords: true,
  act: (cli, flags, words) => send(cli, words, flags),
});

async function send(cli: Cli, words: string[], flags: SendFlags): Promise<void> {
  const content = await bodyOf(cli, words, flags.file);
  const { relay, found } = await cli.openWithStore(flags.from === undefined ? {} : { session: flags.from });
  const options = {
    ...sendOptions(flags),
    ...(await yieldOptions(relay, flags)),
    ...(await signOptions(cli, found, flags)),
  };
  await tellSent(cli, await relay.send(content, options));
}

/** Its key is looked for, and its program loaded, only where that is asked for. */
export async function signOptions({ io }: Cli, { store }: Found, { sign }: SendFlags): Promise<SendOptions> {
  return sign ? (await import("../signers.ts")).signing(io, store) : {};
}

/** Whom to ask for what they hold. */
async function yieldOptions(relay: Relay, { claim, to, kind }: SendFlags): Promise<SendOptions> {
  if (claim === undefined) return {};
  const { claims } = await relay.check(claim, { resources: claim.filter(isSegment) });
  const held = claims.filter((one) => one.session_id !== relay.session);
  if (held.length === 0)
    throw new RelayError("not_found", `Cannot ask anyone for "${claim.join(" ")}": nobody else holds it`, {
      next: `agent-relay claim ${claim.join(" ")}`,
    });
  const holders = [...new Set(held.map((one) => one.session_id))];
  return { to: to ?? holders, kind: kind ?? "request-yield", claims: held.map((one) => one.id) };
}

export function sendOptions(flags: SendFlags): SendOptions {
  return {
    report: true,
    ...(flags.to === undefined ? {} : { to: flags.to }),
    ...(flags.kind === undefined ? {} : { kind: flags.kind }),
    ...(flags.thread === undefined ? {} : { thread: flags.thread }),
    ...(flags.replyTo === undefined ? {} : { reply_to: flags.replyTo }),
    ...(flags.ack === undefined ? {} : { ack: flags.ack }),
    ...(flags.deadline === undefined ? {} : { deadline: parseDuration(flags.deadline) }),
    ...(flags.expires === undefined ? {} : { expires: parseDuration(flags.expires) }),
    ...(flags.keep === undefined ? {} : { keep: flags.keep }),
  };
}

/** The text from the arguments, a file, or stdin (`-`). */
export async function bodyOf(cli: Cli, words: readonly string[], file?: string): Promise<string> {
  const { io } = cli;
  if (file !== undefined && words.length > 0)
    throw new RelayError("usage", "Cannot send a text and a --file: give one of them", {
      next: "agent-relay send --file <path>",
    });
  if (file === "-") return bodyOf(cli, ["-"]);
  if (file !== undefined) return readBody(path.resolve(io.cwd, file));
  if (words.length === 1 && words[0] === "-") return withoutLastNewline(await io.input(MAX_INPUT));
  return words.join(" ");
}

export async function tellSent(cli: Cli, sent: Sent): Promise<void> {
  const now = cli.io.now();
  const ids = sent.messages.map((message) => message.id).join(" ");
  const isForAll = sent.messages[0]?.to_session === null;
  const people = sent.recipients.map((recipient) => describeRecipient(recipient, now)).join("; ");
  const to = isForAll ? `all: ${people || "nobody else is here yet; who comes within a day will hear it"}` : people;
  try {
    await cli.say(sent, `${ids} sent to ${to}\n`);
  } catch (error) {
    if (!(error instanceof RelayError)) throw error;
    throw new RelayError(error.code, `${error.message}; the message was sent all the same, as ${ids}`, {
      cause: error,
    });
  }
}

function describeRecipient(who: Recipient, now: number): string {
  const ago = (seconds: number) => formatDuration(now - seconds * 1000);
  const facts = [
    who.presence === "unknown" ? "not seen here yet, kept until it comes" : undefined,
    who.ended_at === undefined ? undefined : `left ${ago(who.ended_at)} ago, kept until it is back`,
    who.presence === "active" ? "active" : undefined,
    who.presence === "idle" && who.last_seen !== undefined ? `idle ${ago(who.last_seen)}` : undefined,
    who.presence === "gone" && who.ended_at === undefined && who.last_seen !== undefined
      ? `gone, seen ${ago(who.last_seen)} ago`
      : undefined,
    who.unread_before ? `${countWord(who.unread_before)} unread before this` : undefined,
    who.is_full ? "its inbox is full: not listed there" : undefined,
  ];
  return `${cleanLine(who.name ?? who.session_id)} (${facts.filter((fact) => fact !== undefined).join(", ")})`;
}

function readBody(file: string): string {
  try {
    if (fs.statSync(file).size > MAX_INPUT)
      throw new RelayError("limit", `Cannot send "${file}": it has more than ${MAX_INPUT} bytes`);
    return withoutLastNewline(fs.readFileSync(file, "utf8"));
  } catch (error) {
    if (errno(error) === "ENOENT")
      throw new RelayError("not_found", `Cannot send "${file}": there is no such file`, {
        next: 'give the path of a file, or the text itself: agent-relay send "your text"',
      });
    throw systemError(`read "${file}"`, error);
  }
}

function withoutLastNewline(text: string): string {
  return text.replace(/\r?\n$/, "");
}

function collect(word: string, before: string[] = []): string[] {
  return [...before, word];
}
