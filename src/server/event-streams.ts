import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import { type SSEStreamingApi, streamSSE } from "hono/streaming";
import { RelayError } from "../errors.ts";
import { jsonText } from "../text.ts";
import type { Admitted, Authenticator } from "./auth.ts";

const STILL_THERE = 15_000; // ms; proxies between two machines give up a connection that is silent for a minute

/** One event of a stream. */
export interface StreamEvent {
  readonly event: string;
  readonly id?: string;
  readonly data: string;
}

/** Who reads a stream, and who let it in. */
export interface StreamReader {
  readonly auth: Authenticator;
  readonly admitted: Admitted;
}

export interface StreamLimits {
  /** Streams at once ... */
  readonly most: number;
  /** ... and of one user. */
  readonly mostEach: number;
  /** ms that a reader may take to accept what it was sent. */
  readonly slow: number;
}

interface OpenStream {
  readonly reader: StreamReader;
  readonly over: AbortController;
}

/** The streams that are open. */
export class EventStreams {
  readonly #most: number;
  readonly #mostEach: number;
  readonly #slow: number;
  readonly #open = new Set<OpenStream>();

  constructor({ most, mostEach, slow }: StreamLimits) {
    this.#slow = slow;
    this.#most = most;
    this.#mostEach = mostEach;
  }

  get count(): number {
    return this.#open.size;
  }

  /**
   * Sends what `events` yields, until it ends, the reader leaves or is too slow, or the stream is ended from here.
   * Throws `limit` if too many streams are open.
   */
  async serve(
    c: Context,
    reader: StreamReader,
    events: (signal: AbortSignal) => AsyncIterable<StreamEvent>,
  ): Promise<Response> {
    this.#checkRoom(reader);
    const over = new AbortController();
    const open: OpenStream = { reader, over };
    this.#open.add(open);
    outgoingOf(c)?.once("close", () => over.abort());
    const source = events(over.signal)[Symbol.asyncIterator]();
    try {
      const first = await source.next(); // an error of the watch itself is the answer, not an event
      c.header("X-Accel-Buffering", "no"); // nginx passes each event on at once
      return streamSSE(c, (stream) => this.#run(c, stream, open, source, first));
    } catch (error) {
      this.#open.delete(open);
      throw error;
    }
  }

  /** Ends all streams. The last event of each is `end`, with the reason. */
  end(reason: string): void {
    for (const { over } of this.#open) over.abort(reason);
  }

  /** Ends the streams of readers that would no longer be let in. */
  async endOfRemoved(): Promise<void> {
    for (const { reader, over } of this.#open)
      if (!(await reader.auth.isStillIn(reader.admitted))) over.abort("you are no longer let in");
  }

  async #run(
    c: Context,
    stream: SSEStreamingApi,
    open: OpenStream,
    source: AsyncIterator<StreamEvent>,
    first: IteratorResult<StreamEvent>,
  ): Promise<void> {
    const cut = () => outgoingOf(c)?.destroy();
    const inTime = async (write: Promise<unknown>) => {
      const timer = setTimeout(cut, this.#slow);
      await write.finally(() => clearTimeout(timer));
    };
    const timer = setInterval(() => inTime(stream.write(": still there\n\n")), STILL_THERE);
    stream.onAbort(() => open.over.abort());
    try {
      for (let next = first; !next.done; next = await source.next()) await inTime(stream.writeSSE(next.value));
      const { reason } = open.over.signal;
      if (typeof reason === "string" && !stream.aborted)
        await inTime(stream.writeSSE({ event: "end", data: jsonText({ reason }) }));
    } finally {
      clearInterval(timer);
      open.over.abort();
      this.#open.delete(open);
      await source.return?.();
    }
  }

  #checkRoom({ admitted }: StreamReader): void {
    const user = ({ owner }: Admitted) => owner?.split("/")[0];
    const theirs = [...this.#open].filter(({ reader }) => user(reader.admitted) === user(admitted)).length;
    if (this.#open.size < this.#most && theirs < this.#mostEach) return;
    throw new RelayError(
      "limit",
      `Cannot open another stream: ${theirs} of yours and ${this.#open.size} in all are open`,
      {
        next: "close one, or ask again and again instead",
      },
    );
  }
}

function outgoingOf(c: Context): HttpBindings["outgoing"] | undefined {
  return (c.env as Partial<HttpBindings> | undefined)?.outgoing;
}
