import { BoundedMap } from "../bounded-map.ts";
import { RelayError } from "../errors.ts";

const ANSWER_KEPT_MS = 600_000; // for which an answer is kept
const MAX_ANSWERS = 1000; // answers to one owner; the oldest gives way
const MAX_OWNERS = 1000;

interface KeptAnswer {
  readonly at: number;
  /** What was asked, by its hash. */
  readonly asked: string;
  readonly answer: Promise<Response>;
}

/** Answers to requests with an Idempotency-Key: a repeated request gets the same answer, and nothing is done twice. */
export class IdempotentAnswers {
  readonly #kept = new BoundedMap<string, Map<string, KeptAnswer>>(MAX_OWNERS);

  /**
   * The answer of `run` to this owner's `word`, from now or before; `now` is in ms. A request that failed for no fault
   * of its own (`run` threw, or answered 500 or more) may be run again. Throws `conflict` for a word that stood for
   * something else before: what is asked now would be dropped, and said to be done.
   */
  async once(owner: string, word: string, asked: string, now: number, run: () => Promise<Response>): Promise<Response> {
    const theirs = this.#of(owner);
    const known = theirs.get(word);
    if (known && known.at > now - ANSWER_KEPT_MS) {
      if (known.asked !== asked) throw usedBefore();
      return (await known.answer).clone();
    }
    const answer = run();
    theirs.set(word, { at: now, asked, answer });
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
    this.#kept.set(owner, known); // moved to the end: the owner that asked longest ago gives way
    return known;
  }
}

export function usedBefore(): RelayError {
  return new RelayError("conflict", "Cannot do that: its Idempotency-Key stood for something else before", {
    next: "give each request a key of its own",
  });
}

/** Removes the answers that are too old; the map begins with the oldest. */
function forget(theirs: Map<string, KeptAnswer>, now: number): void {
  for (const [word, { at }] of theirs) {
    if (at > now - ANSWER_KEPT_MS) return;
    theirs.delete(word);
  }
}
