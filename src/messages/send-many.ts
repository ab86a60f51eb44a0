import type { Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { orError, type Prepared, prepare, publishAll, publishTogether, type SendOptions, type Sent } from "./send.ts";

/** One of several messages that are sent together. */
export interface SendItem {
  readonly content: string;
  /** As for `send`. */
  readonly options?: SendOptions | undefined;
}

/** Sends several messages in their order. Those that cannot be sent do not hold up the others: their place has the error. */
export async function sendMany(context: Context, items: readonly SendItem[]): Promise<(Sent | RelayError)[]> {
  const prepared: (Prepared | RelayError)[] = [];
  for (const { content, options } of items) prepared.push(await orError(() => prepare(context, content, options)));
  const all = prepared.flatMap((one) => (one instanceof RelayError ? [] : one.messages));
  const reached = new Map(await publishTogether(context, all));
  const sent: (Sent | RelayError)[] = [];
  for (const one of prepared)
    sent.push(one instanceof RelayError ? one : await orError(() => publishAll(context, one, reached)));
  return sent;
}
