import path from "node:path";
import { hash } from "../hash.ts";
import { fileNameFor } from "../machine/file-name.ts";
import { readState, writeState } from "../machine/state-file.ts";
import { type Infer, object, optional, record, text } from "../schema.ts";

/** Pinned keys of others, as first seen, in this user's own folder: no server can exchange them afterwards. */
const Pins = object({
  /** `<user>/<machine>` -> its keys. */
  owners: record(object({ key: text(), box: optional(text()) })),
  /** Session -> its owner, `<user>/<machine>`. */
  sessions: record(text()),
});
type Pins = Infer<typeof Pins>;
export type Pin = Pins["owners"][string];

/** The pinned keys of one relay's members. */
export class KnownKeys {
  readonly #file: string;
  /** Where versions before kept them: other relays' ids could be made that had the same name. */
  readonly #former: string;
  #pins: Pins | undefined;

  constructor(folder: string, relay: string) {
    this.#file = path.join(folder, "known", `${fileNameFor(relay)}.json`);
    this.#former = path.join(folder, "known", `${hash(relay).toString(36)}.json`);
  }

  pinOf(owner: string): Pin | undefined {
    return own(this.#read().owners, owner);
  }

  ownerOf(session: string): string | undefined {
    return own(this.#read().sessions, session);
  }

  /** Pins what was not known before. A pinned key stays. */
  learn(seen: { readonly owner: string; readonly pin: Pin; readonly session: string }): void {
    const { owner, pin, session } = seen;
    const now = this.#read();
    const known = own(now.owners, owner);
    const isNews = !known || (known.box === undefined && pin.box !== undefined && known.key === pin.key);
    if (!isNews && own(now.sessions, session) !== undefined) return;
    this.#write({
      owners: { ...now.owners, ...(isNews && { [owner]: pin }) },
      sessions: { [session]: owner, ...now.sessions },
    });
  }

  /** Forgets the pins of a session or `<user>/<machine>`, which are then learnt anew. False if there were none. */
  forget(who: string): boolean {
    const { owners, sessions } = this.#read();
    const left = {
      owners: Object.fromEntries(Object.entries(owners).filter(([owner]) => owner !== who)),
      sessions: Object.fromEntries(
        Object.entries(sessions).filter(([session, owner]) => ![session, owner].includes(who)),
      ),
    };
    if (Object.keys(left.sessions).length + Object.keys(left.owners).length === count({ owners, sessions }))
      return false;
    this.#write(left);
    return true;
  }

  #read(): Pins {
    this.#pins ??= this.#load();
    return this.#pins;
  }

  #load(): Pins {
    const next = "restore it; or remove it, and whoever serves the relay then says anew whose keys they are";
    return readState(this.#file, Pins, next) ?? readState(this.#former, Pins, next) ?? { owners: {}, sessions: {} };
  }

  /** Takes no lock: of two processes that write at the same time, one may have to learn its pin again. */
  #write(pins: Pins): void {
    writeState(this.#file, pins);
    this.#pins = pins;
  }
}

function count({ owners, sessions }: Pins): number {
  return Object.keys(owners).length + Object.keys(sessions).length;
}

function own<T>(of: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(of, name) ? of[name] : undefined;
}
