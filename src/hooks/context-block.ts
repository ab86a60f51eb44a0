import { shortId } from "../id.ts";
import type { InboxItem } from "../messages/message-state.ts";
import { frameTitled } from "../render/frame.ts";
import { less, Room } from "../render/room.ts";
import { beginning } from "../text.ts";

/** The most that is put before a model at once. Hosts cut at 10,000 bytes or more. */
const MAX_BLOCK_BYTES = 8000;
const MAX_BLOCK_TOKENS = 2000;
const PREVIEW_CHARS = 400; // of a message that is too long to be put before a model
const ENDING_BYTES = 400; // bytes kept for what closes the block

export interface ContextBlock {
  /** Empty if there is nothing to say. */
  readonly text: string;
  /** The messages that are in it whole. */
  readonly shown: readonly InboxItem[];
  /** The messages of which only the beginning is in it: they are too long for any block. */
  readonly announced: readonly InboxItem[];
}

/**
 * One block for a model. Peers' text stands between two lines that hold a random word, which peers cannot know. `ours`
 * stands outside. Messages that do not fit are counted.
 */
export function contextBlock(
  ours: readonly string[],
  theirs: readonly string[],
  items: readonly InboxItem[],
  render: (item: InboxItem) => string,
  more: number,
): ContextBlock {
  const shown: InboxItem[] = [];
  const announced: InboxItem[] = [];
  const half = roomBeside(ours, 0.5); // the rest is for messages
  const lines = theirs.filter((line) => half.take(line));
  const room = roomBeside([...ours, ...lines]);
  for (const item of items) {
    const whole = render(item);
    if (room.take(whole)) shown.push(item);
    else if (roomBeside(ours).take(whole) || !room.take(preview(item, whole))) continue;
    else announced.push(item);
    lines.push(shown.includes(item) ? whole : preview(item, whole));
  }
  const left = more + items.length - shown.length - announced.length;
  if (lines.length === 0 && left === 0) return { text: ours.join(""), shown, announced };
  const count = shown.length + announced.length;
  const what = count === 0 ? "the relay" : `${count === 1 ? "1 message" : `${count} messages`} from the relay`;
  const text = [...ours, frameTitled(what, lines), ...(left > 0 ? [`${left} more: agent-relay inbox\n`] : [])];
  return { text: text.join(""), shown, announced };
}

/** The room of a block, or of a part of it, beside what it has to hold. */
function roomBeside(taken: readonly string[], part = 1): Room {
  const bytes = (MAX_BLOCK_BYTES - ENDING_BYTES) * part;
  const tokens = (MAX_BLOCK_TOKENS - ENDING_BYTES / 4) * part;
  return new Room(less({ chars: Infinity, bytes, tokens }, taken.join("")));
}

function preview({ message }: InboxItem, whole: string): string {
  const bytes = Buffer.byteLength(message.content);
  return `${beginning(whole, PREVIEW_CHARS).trimEnd()}… (${bytes} bytes: agent-relay read ${shortId(message.id)})\n`;
}
