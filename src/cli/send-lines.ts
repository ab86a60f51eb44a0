import { durationOf } from "../duration.ts";
import { RelayError } from "../errors.ts";
import type { SendItem, SendOptions, Sent } from "../messages/send.ts";
import type { Relay } from "../relay.ts";
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
    const sent = await relay.sendMany(items.filter((item): item is SendItem => !(item instanceof RelayError)));
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
  if (!(answer instanceof RelayError)) return json(answer);
  const { code, message, next } = answer;
  return json({ error: { code, message, next } });
}

function itemIn(line: string, defaults: SendOptions): SendItem | RelayError {
  const given = objectIn(line);
  if (given === undefined || typeof given.content !== "string")
    return new RelayError("usage", "Cannot send this line: it is no JSON object with a content", {
      next: `printf '%s\\n' '{"content":"hello","to":"bob"}' | agent-relay send --lines`,
    });
  const { content, deadline, expires, ...options } = given;
  try {
    const until = { deadline: msOf("deadline", deadline), expires: msOf("expires", expires) };
    return { content, options: { ...defaults, ...options, ...withoutAbsent(until) } };
  } catch (error) {
    if (error instanceof RelayError) return error;
    throw error;
  }
}

function objectIn(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function msOf(name: string, value: unknown): number | undefined {
  if (value === undefined || typeof value === "number") return value;
  if (typeof value === "string") return durationOf(value);
  throw new RelayError("usage", `Cannot use this ${name}: give ms, or a length of time such as "10m"`);
}

function withoutAbsent<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}
