import fs from "node:fs";
import { errno, RelayError } from "../../errors.ts";
import { foldersIn, linkOnce, makeMark, namesIn, remove, setTime } from "./files.ts";

const RECOUNT_SHARE = 0.001; // of the limit: what one process adds between two looks at a folder that is far from full
const BYTES_PER_NAME = 16; // ext4, xfs, btrfs, APFS and tmpfs all count at least this much of a folder's size per name

// A pointer is a second name of an empty file that its inbox keeps: a name costs far less than a file on ext4 (20
// against 360 microseconds, measured). A file may have 65,000 names, which is more than an inbox may hold.
const EMPTY = ".empty";

/** The inboxes of one relay: folders of empty files, each named after an unread message. */
export class Inboxes {
  readonly #folder: string;
  /** The most unread messages in one inbox. */
  readonly limit: number;
  readonly #room = new Map<string, number>();

  constructor(folder: string, limit: number) {
    this.#folder = folder;
    this.limit = limit;
  }

  /** Lists a message in an inbox. False if the inbox is full. */
  point(inbox: string, id: string): boolean {
    if (!this.#hasRoom(inbox)) return false;
    const empty = `${this.#folder}/${inbox}/${EMPTY}`;
    const pointer = `${this.#folder}/${inbox}/${id}`;
    for (let tries = 3; linkOrMissing(empty, pointer) === "missing"; tries--) {
      if (tries === 0)
        throw new RelayError("failed", `Cannot list a message in "${inbox}": it is removed as it is made`);
      makeMark(empty);
    }
    return true;
  }

  unpoint(inbox: string, id: string): void {
    remove(`${this.#folder}/${inbox}/${id}`);
  }

  /** Wakes the inbox's watchers. The owner may have seen the message already and removed the pointer. */
  wake(inbox: string, id: string, time: number): void {
    setTime(`${this.#folder}/${inbox}/${id}`, time);
  }

  /** Looks at the size of an inbox's folder now and then. Counts its names only if it is large enough to be full. */
  #hasRoom(inbox: string): boolean {
    const folder = `${this.#folder}/${inbox}`;
    const room = this.#room.get(inbox) ?? 0;
    if (room > 0) this.#room.set(inbox, room - 1);
    if (room > 0) return true;
    const size = fs.lstatSync(folder, { throwIfNoEntry: false })?.size ?? 0;
    if (process.platform !== "win32" && size < this.limit * BYTES_PER_NAME) {
      this.#room.set(inbox, Math.floor(this.limit * RECOUNT_SHARE));
      return true;
    }
    const left = this.limit - namesIn(folder).filter((name) => name !== EMPTY).length;
    if (left <= 0) return false;
    this.#room.set(inbox, Math.floor((left - 1) / 64)); // others write too: look again well before it can be full
    return true;
  }
}

/** Removes a folder that lists nothing at any depth. False if it lists something, even something that came just now. */
export function removeUnlisting(folder: string): boolean {
  if (foldersIn(folder).some((name) => !removeUnlisting(`${folder}/${name}`))) return false;
  if (namesIn(folder).some((name) => name !== EMPTY)) return false;
  try {
    remove(`${folder}/${EMPTY}`); // the next message to this inbox makes it anew
    fs.rmdirSync(folder);
    return true;
  } catch (error) {
    if (errno(error) === "ENOTEMPTY" || errno(error) === "EEXIST" || errno(error) === "ENOENT") return false;
    throw error;
  }
}

/** Gives the empty file one more name. Where the disk has no links, makes a file of that name. */
function linkOrMissing(empty: string, pointer: string): "done" | "missing" {
  try {
    if (linkOnce(empty, pointer) === "no links") makeMark(pointer);
    return "done";
  } catch (error) {
    if (errno(error) !== "ENOENT") throw error;
    return "missing";
  }
}
