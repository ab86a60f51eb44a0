import { BoundedMap } from "../bounded-map.ts";

const ANSWER_KEPT_MS = 600_000; // ms for which an answer is kept
const MAX_ANSWERS = 1000; // answers to one owner; the oldest gives way
const MAX_OWNERS = 1000;

interface KeptAnswer {
  readonly at: number;
  readonly answer: Promise<Response>;
}

/** The answers to requests that have a word of their own: who asks again with the same word gets the same answer, and nothing is done twice. */
export class IdempotentAnswers {
  readonly #kept = new BoundedMap<string, Map<string, KeptAnswer>>(MAX_OWNERS);

  /** What `run` has answered to this owner's word, now or before. One that failed for no fault of the request may be run again. */
  async once(owner: string, word: string, now: number, run: () => Promise<Response>): Promise<Response> {
    const theirs = this.#of(owner);
    const known = theirs.get(word);
    if (known && known.at > now - ANSWER_KEPT_MS) return (await known.answer).clone();
    const answer = run();
    theirs.set(word, { at: now, answer });
    forget(theirs, now);
    try {
      const response = await answer;
      if (response.status >= 500) theirs.delete(word);
      return response.clone();
    } catch (error) {
      theirs.delete(word);
      throw error;
    }
  }

  #of(owner: string): Map<string, KeptAnswer> {
    const known = this.#kept.get(owner) ?? new BoundedMap<string, KeptAnswer>(MAX_ANSWERS);
    this.#kept.delete(owner);
    this.#kept.set(owner, known); // the last one is the one that was used last
    return known;
  }
}

/** What is too old, the oldest first. */
function forget(theirs: Map<string, KeptAnswer>, now: number): void {
  for (const [word, { at }] of theirs) {
    if (at > now - ANSWER_KEPT_MS) return;
    theirs.delete(word);
  }
}
