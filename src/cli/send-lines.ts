import { durationOf } from "../duration.ts";
import { errorData, RelayError } from "../errors.ts";
import { checkOptions } from "../limits.ts";
import { KINDS } from "../messages/message.ts";
import type { SendOptions, Sent } from "../messages/send.ts";
import type { SendItem } from "../messages/send-many.ts";
import type { Relay } from "../relay.ts";
import { flag, list, object, oneOf, optional, text } from "../schema.ts";
import { json } from "../text.ts";
import type { Cli } from "./cli.ts";
import { EXIT } from "./exit.ts";

const MAX_LINE_BYTES = 8 * 1024 * 1024; // far above any body limit, so that the error can say how large it was

/**
 * Sends a message for each line of stdin, a JSON object: `content`, and what the library's `send` takes, lengths of time also
 * as `10m`. Prints a line for each, in their order: what was sent, or `{"error"}`. The lines that came together are flushed
 * together. Returns the exit code of the first that could not be sent.
 */
export async function sendLines(cli: Cli, relay: Relay, defaults: SendOptions): Promise<number> {
  let code = 0;
  for await (const lines of cli.io.lines(MAX_LINE_BYTES)) {
    const items = lines.filter((line) => line.trim() !== "").map((line) => itemIn(line, defaults));
    const sent = await relay.messages.sendMany(items.filter((item): item is SendItem => !(item instanceof RelayError)));
    const answers = items.map((item) => (item instanceof RelayError ? item : (sent.shift() ?? lost())));
    const failed = answers.find((answer) => answer instanceof RelayError);
    if (failed && code === 0) code = EXIT[failed.code];
    await cli.io.out(answers.map(answerLine).join(""));
  }
  return code;
}

function lost(): RelayError {
  return new RelayError("failed", "Cannot tell what became of this line");
}

function answerLine(answer: Sent | RelayError): string {
  return json(answer instanceof RelayError ? { error: errorData(answer) } : answer);
}

const Line = object({
  content: text(),
  kind: optional(oneOf(KINDS)),
  thread: optional(text()),
  reply_to: optional(text()),
  ack: optional(flag()),
  keep: optional(flag()),
  claims: optional(list(text())),
});
const FIELDS: Readonly<Record<string, true>> = {
  ...{ content: true, to: true, kind: true, thread: true, reply_to: true, ack: true, keep: true, claims: true },
  ...{ deadline: true, expires: true },
};

function itemIn(line: string, defaults: SendOptions): SendItem | RelayError {
  try {
    const given = objectIn(line);
    checkOptions("send this line", given, FIELDS);
    const { to, deadline, expires } = given;
    const { content, reply_to, kind, thread, ack, keep, claims } = Line.parse(given, "the line");
    const own: SendOptions = {
      kind,
      thread,
      replyTo: reply_to,
      ack,
      keep,
      claims,
      to: to === undefined ? undefined : list(text()).parse([to].flat(), "the line.to"),
      deadlineMs: msOf("deadline", deadline),
      expiresMs: msOf("expires", expires),
    };
    return { content, options: { ...defaults, ...withoutAbsent(own) } };
  } catch (error) {
    if (!(error instanceof RelayError)) throw error;
    const next = error.code === "corrupt" ? EXAMPLE : (error.next ?? EXAMPLE);
    return new RelayError("usage", error.message, { next });
  }
}

const EXAMPLE = `printf '%s\\n' '{"content":"hello","to":"bob"}' | agent-relay send --lines`;

function objectIn(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new RelayError("usage", "Cannot send this line: it is no JSON object", { next: EXAMPLE });
}

function msOf(name: string, value: unknown): number | undefined {
  if (value === undefined || typeof value === "number") return value;
  if (typeof value === "string") return durationOf(value);
  throw new RelayError("usage", `Cannot use this ${name}: give ms, or a length of time such as "10m"`);
}

function withoutAbsent<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}
