import fs from "node:fs";
import path from "node:path";
import { durationOf } from "../duration.ts";
import { errno, RelayError, systemError } from "../errors.ts";
import { shortId } from "../id.ts";
import { KINDS } from "../messages/message.ts";
import type { SendOptions, Sent } from "../messages/send.ts";
import type { FoundRelay } from "../open/open.ts";
import { recipientWords } from "../render/recipients.ts";
import { quoted } from "../shell/quote.ts";
import type { Cli } from "./cli.ts";
import { decoded } from "./decode.ts";
import type { FlagsOf, FlagTable } from "./flag-table.ts";

const MAX_INPUT_BYTES = 8 * 1024 * 1024; // far above any body limit, so that the error can say how large it was

/** What `send` and `reply` both ask for. */
export const REPLY_FLAGS = {
  "-k, --kind <kind>": { about: "what sort of message it is", choices: KINDS },
  "--ack": "it comes back at each look until its reader acks or answers it",
  "--expires <duration>": "nobody is shown it after this: 10m, 2h",
  "--file <path>": "read the text from a file",
  "--sign": "sign it with the SSH key that git signs with; `read` shows whether that is so",
} as const satisfies FlagTable;

export const SEND_FLAGS = {
  "-t, --to <who>": {
    about: "session id, its beginning, name, role:<role>, human or all; repeatable",
    isRepeatable: true,
  },
  ...REPLY_FLAGS,
  "--thread <id>": "put it into this conversation",
  "--reply-to <id>": "it answers this message",
  "--deadline <duration>": "you are told if it is not answered by then; with --ack one hour",
  "--claim <what>": {
    about: "ask whoever holds this path or resource to give it back (kind request-yield); repeatable",
    isRepeatable: true,
  },
  "--keep": "leave it for a session that is not known yet",
  "--lines": 'a message for each line of stdin, a JSON object such as {"content":"hi","to":"bob"}; one answer a line',
  "-f, --from <session>": "the same as --session",
} as const satisfies FlagTable;

export type SendFlags = FlagsOf<typeof SEND_FLAGS>;

/** The option that signs the message, for `--sign`. The key is looked for, and the code loaded, only then. */
export async function signOptions({ io }: Cli, { store }: FoundRelay, { sign }: SendFlags): Promise<SendOptions> {
  return sign ? (await import("./signers.ts")).signing(io, store) : {};
}

export function sendOptions({ to, kind, thread, replyTo, ack, deadline, expires, keep }: SendFlags): SendOptions {
  const until = { deadlineMs: durationOf(deadline), expiresMs: durationOf(expires) };
  return { report: true, to, kind, thread, replyTo, ack, keep, ...until };
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
  if (words.length === 1 && words[0] === "-")
    return withoutLastNewline(await io.input(MAX_INPUT_BYTES, { isText: true }));
  return words.join(" ");
}

/** `dir`: the relay's folder, where it is another project's. */
export async function tellSent(cli: Cli, sent: Sent, dir?: string): Promise<void> {
  const now = cli.now();
  const ids = sent.messages.map(({ id }) => shortId(id)).join(" ");
  const isForAll = sent.messages[0]?.to_session === null;
  const people = sent.recipients.map((recipient) => recipientWords(recipient, now)).join("; ");
  const to = isForAll ? `all: ${people || "nobody else is here yet; who comes within a day will hear it"}` : people;
  try {
    const where =
      dir === undefined ? "" : ` in another project; answers come there: agent-relay inbox --dir ${quoted(dir)}`;
    await cli.say(dir === undefined ? sent : { ...sent, relay: dir }, `${ids} sent to ${to}${where}\n`);
  } catch (error) {
    if (!(error instanceof RelayError)) throw error;
    throw new RelayError(error.code, `${error.message}; the message was sent all the same, as ${ids}`, {
      cause: error,
    });
  }
}

function readBody(file: string): string {
  try {
    if (fs.statSync(file).size > MAX_INPUT_BYTES)
      throw new RelayError("limit", `Cannot send "${file}": it has more than ${MAX_INPUT_BYTES} bytes`);
    return withoutLastNewline(decoded(fs.readFileSync(file)));
  } catch (error) {
    if (errno(error) === "ENOENT")
      throw new RelayError("not_found", `Cannot send "${file}": there is no such file`, {
        next: 'agent-relay send --file <path>, or the text itself: agent-relay send "your text"',
      });
    if (errno(error) === "EISDIR")
      throw new RelayError("usage", `Cannot send "${file}": it is a folder`, {
        next: "agent-relay send --file <path>",
      });
    throw systemError(`read "${file}"`, error);
  }
}

function withoutLastNewline(text: string): string {
  return text.replace(/\r?\n$/, "");
}
