import type { Context } from "../context.ts";
import { type Infer, moment, object, optional, text } from "../schema.ts";
import { ChangeWaiter } from "../store/changes.ts";
import { parsedOrSkipped } from "../store/read.ts";
import type { Store } from "../store/store.ts";
import { steady } from "../time.ts";

/** The record `mirror`: the server's relay that this relay is mirrored to. */
export const Mirrored = object({
  /** The server's relay, as in `https://host:4800/shop`. */
  url: text(),
  /** The server's relay, by its id. */
  relay: text(),
  /** Whom the server takes us for: `<user>/<machine>`; without it, for the user of its own machine. */
  owner: optional(text()),
  since: moment(),
});
export type Mirrored = Infer<typeof Mirrored>;

/** A mark. Its time is when the mirror and the server last agreed. */
export const AGREED = "mirror/agreed";

/** A mark whose time is when the mirror and its server agreed last, be the server away now or not. */
export const LAST_AGREED = "mirror/agreed-last";

/** Marks `mirror/apart/<session>`: sessions here of which nothing is passed on, since the server has another of that id. */
export const APART = "mirror/apart";

/** Marks `mirror/refused/<id>`: messages that the server has not taken yet. */
export const REFUSED = "mirror/refused";

/** The session of a person by the name `user` here: one of this machine where the server has that name for another. */
export async function personHere(store: Store, user: string): Promise<string> {
  const owner = store.served ? undefined : (await parsedOrSkipped(store, "mirror", Mirrored))?.owner;
  if (owner === undefined) return user;
  const known = (await store.get(`agents/${user}`)) ?? (await store.get(`archive/agents/${user}`));
  const isAnothers = known?.owner !== undefined && known.owner !== owner;
  return isAnothers || (await store.markedAt(`${APART}/${user}`)) !== undefined ? owner.replace("/", "-") : user;
}

const CONNECTED_MS = 120_000; // a mirror that is connected asks twice as often
const VERDICT_PATIENCE_MS = 3000; // that a claim waits for the server's word

/** Whether a server decides what is claimed here. */
export async function isMirrored({ store }: Context): Promise<boolean> {
  return !store.served && (await store.get("mirror")) !== undefined;
}

/** Whom the server takes the sessions of this machine for; undefined where that cannot be told. */
export async function ownerHere({ store }: Context): Promise<string | undefined> {
  return (await parsedOrSkipped(store, "mirror", Mirrored))?.owner;
}

/**
 * The server's decision, as soon as `look` finds it. Undefined where that takes longer than `VERDICT_PATIENCE_MS`, and
 * at once where no mirror is connected.
 */
export async function whenDecided<T>(context: Context, look: () => Promise<T | undefined>): Promise<T | undefined> {
  const { store, session, now } = context;
  const agreed = await store.markedAt(AGREED);
  if (agreed === undefined || now() - agreed > CONNECTED_MS) return undefined;
  const until = steady() + VERDICT_PATIENCE_MS;
  const hints = new ChangeWaiter(store, [`waits/${session}`, "tasks"]);
  try {
    for (;;) {
      const found = await look();
      const left = until - steady();
      if (found !== undefined || left <= 0) return found;
      await hints.next(left);
    }
  } finally {
    hints.end();
  }
}
