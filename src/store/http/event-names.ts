/** The names of the events in a stream of server-sent events, which comes in pieces of any size. */
export class EventNames {
  readonly #decoder = new TextDecoder();
  #rest = "";

  /** The events that end within this piece, the next one. */
  in(piece: Uint8Array): string[] {
    const lines = (this.#rest + this.#decoder.decode(piece, { stream: true })).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    return lines.flatMap((line) => /^event: ?(.*)$/.exec(line)?.[1] ?? []);
  }
}
