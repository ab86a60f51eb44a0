import type { Store } from "../store/store.ts";

/** The two that are kept the same. */
export interface Sides {
  /** The relay's folder here. */
  readonly dir: string;
  readonly local: Store;
  /** The server's relay, as one of our sessions may use it; with an empty one, as who is nobody. */
  readonly remote: (session: string) => Store;
  /** Whom the server takes us for: `<user>/<machine>`. */
  readonly owner: string;
  /** The server's relay, by its id. */
  readonly relay: string;
  /** The clock (Unix ms). */
  readonly now: () => number;
  /** Tells a person of what could not be kept the same. */
  readonly notice: (text: string) => void;
}
