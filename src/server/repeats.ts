const KEPT = 600_000; // ms for which an answer is kept
const MOST = 10_000; // answers; the oldest gives way

interface Kept {
  readonly at: number;
  readonly answer: Promise<Response>;
}

/** The answers to requests that have a word of their own: who asks again with the same word gets the same answer, and nothing is done twice. */
export class Repeats {
  readonly #kept = new Map<string, Kept>();

  /** What `run` has answered to this word, now or before. One that failed for no fault of the request may be run again. */
  async once(word: string, now: number, run: () => Promise<Response>): Promise<Response> {
    const known = this.#kept.get(word);
    if (known && known.at > now - KEPT) return (await known.answer).clone();
    const answer = run();
    this.#kept.set(word, { at: now, answer });
    this.#forget(now);
    try {
      const response = await answer;
      if (response.status >= 500) this.#kept.delete(word);
      return response.clone();
    } catch (error) {
      this.#kept.delete(word);
      throw error;
    }
  }

  #forget(now: number): void {
    for (const [word, { at }] of this.#kept) {
      if (this.#kept.size <= MOST && at > now - KEPT) return;
      this.#kept.delete(word);
    }
  }
}
