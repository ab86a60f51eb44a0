import { type IncomingHttpHeaders, type IncomingMessage, request as requestPlainly } from "node:http";
import { request as requestByTls } from "node:https";

export interface Exchange {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

/** An answer with its whole body. */
export interface WholeAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/**
 * Asks once, and resolves when the head of the answer is there. Node's own `fetch` would do, but to load it takes a process
 * 200 ms of CPU, and this 20. Rejects with the system's error, for a redirection (a secret goes to no other address), and once
 * `signal` aborts.
 */
export async function exchange(
  url: URL,
  { method, headers, body }: Exchange,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const request = url.protocol === "https:" ? requestByTls : requestPlainly;
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const length = body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) };
    const asked = request(url, { method, headers: { ...headers, ...length }, signal }, resolve);
    asked.on("error", reject); // one that comes after the answer's head is the answer's too
    asked.end(body);
  });
  if (!isRedirection(answer.statusCode)) return answer;
  answer.destroy();
  throw new Error(`${url.origin} answers with a redirection`);
}

/** Reads the body of an answer. Rejects if it breaks off, and with the reason of `signal` if that is why. */
export async function whole(answer: IncomingMessage, signal: AbortSignal): Promise<WholeAnswer> {
  const parts: Uint8Array[] = [];
  try {
    for await (const part of answer) parts.push(part);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
  const { statusCode: status = 0, headers } = answer;
  return { status, headers, text: Buffer.concat(parts).toString() };
}

/** Of the statuses from 300 on, the answer to a condition is none. */
function isRedirection(status = 0): boolean {
  return status >= 300 && status < 400 && status !== 304;
}
