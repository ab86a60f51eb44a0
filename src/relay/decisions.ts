import type { Decision } from "../decisions/decision.ts";
import type { Acting } from "./acting.ts";

const load = () => import("../decisions/decide.ts");

/** What was decided: `relay.decisions`. Decisions are never dropped. */
export class Decisions {
  readonly #acting: Acting;

  /** @internal */
  constructor(acting: Acting) {
    this.#acting = acting;
  }

  /** Writes down a decision, and tells everyone. */
  async add(content: string): Promise<Decision> {
    return (await load()).decide(this.#acting.mine(), content);
  }

  /** Every decision, the oldest first. */
  async list(): Promise<Decision[]> {
    return (await load()).decisions(this.#acting.anyone());
  }
}
