import { type Message, sentAt } from "./message.ts";

/**
 * Orders messages by time, but each after the message it answers and after its sender's earlier ones, whatever the
 * clocks said. The same set gives the same order for every reader.
 */
export function order<M extends Message>(messages: readonly M[]): M[] {
  const byTime = [...messages].sort((a, b) => sentAt(a) - sentAt(b) || compareIds(a.id, b.id));
  const byId = new Map(byTime.map((message) => [message.id, message]));
  const previous = new Map<M, M>();
  const last = new Map<string, M>();
  for (const message of [...byTime].sort((a, b) => sequence(a) - sequence(b) || compareIds(a.id, b.id))) {
    const before = last.get(message.from_session);
    if (before) previous.set(message, before);
    last.set(message.from_session, message);
  }

  const places = new Map<M, number>();
  const waiting = new Set<M>();
  for (const message of byTime) {
    const stack = [message];
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      waiting.add(top);
      const causes = [previous.get(top), byId.get(top.reply_to ?? "")].filter((cause) => cause !== undefined);
      const unplaced = causes.find((cause) => !places.has(cause) && !waiting.has(cause));
      if (unplaced) {
        stack.push(unplaced);
        continue;
      }
      // A cause that itself waits for this one is a loop that only forged files can make: it is ignored.
      const after = causes.map((cause) => (places.get(cause) ?? Number.NEGATIVE_INFINITY) + 1);
      places.set(top, Math.max(sentAt(top), ...after));
      waiting.delete(top);
      stack.pop();
    }
  }
  return byTime.sort((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0) || compareIds(a.id, b.id));
}

function sequence(message: Message): number {
  return message.seq ?? sentAt(message);
}

function compareIds(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
