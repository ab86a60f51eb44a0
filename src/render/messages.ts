import { isName } from "../agents/agent.ts";
import type { AgentView, Calls } from "../agents/registry.ts";
import type { Claim } from "../claims/claim.ts";
import { formatDuration, formatLeft } from "../duration.ts";
import { shortId } from "../id.ts";
import { isFor, isUnread, type Message, sentAt } from "../messages/message.ts";
import type { InboxItem } from "../messages/message-state.ts";
import { proofWords } from "../messages/proof-words.ts";
import { clean, cleanLine } from "../text.ts";
import { claimWords } from "./claims.ts";

/** Session -> the name that a message line shows. */
export type SenderNames = ReadonlyMap<string, string>;

/** The names of sessions. A name that the relay would refuse is ignored: a record written by hand may hold any text. */
export function namesOf(agents: readonly AgentView[]): SenderNames {
  return new Map(
    agents.map(({ session_id, name }) => [session_id, name !== undefined && isName(name) ? name : session_id]),
  );
}

/** The sessions that lines of these messages name. */
export function sessionsIn(messages: readonly Message[]): (string | undefined)[] {
  return messages.flatMap(({ from_session, to_session, read_by }) => [
    from_session,
    to_session ?? undefined,
    ...read_by,
  ]);
}

/** What sessions are called, by their names. */
export function callsIn(names: SenderNames): Calls {
  return (session) => names.get(session) ?? session;
}

/** One message: a line of facts, then its text. Further lines of the text are indented: none can pose as ours. */
export function messageLines(
  message: Message,
  me: string,
  names: SenderNames,
  now: number,
  notes: readonly string[] = [],
): string {
  const from = message.from_session === me ? "you" : `${call(message.from_session, names)} (${senderWords(message)})`;
  const to = message.to_session === null ? "all" : message.to_session === me ? "you" : call(message.to_session, names);
  const facts = [
    `${formatDuration(now - sentAt(message))} ago`,
    ...(message.kind === undefined || message.kind === "info" ? [] : [message.kind]),
    ...(message.kind === "permission" && isFor(me, message) ? ["reply allow or deny"] : []),
    ...(message.ack_required && isFor(me, message) ? ["wants ack"] : []),
    ...(message.answer_by === undefined || message.from_session === me ? [] : [deadline(message.answer_by, now)]),
    ...(message.reply_to === undefined ? [] : [`answers ${cleanLine(shortId(message.reply_to))}`]),
    ...(message.withdrawn_at === undefined ? [] : ["withdrawn"]),
    ...proofWords(message),
    ...notes,
  ];
  const body = clean(message.content).replaceAll("\n", "\n  ");
  return `${cleanLine(shortId(message.id))} ${from} to ${to}, ${facts.join(", ")}: ${body}\n`;
}

/** What the sender is. A person's message that an agent sent was seen at no terminal. */
function senderWords({ from_agent, via }: Message): string {
  if (via === undefined) return cleanLine(from_agent);
  const who = from_agent === "human" ? "human, not seen at a terminal" : cleanLine(from_agent);
  return `${who}: sent by ${cleanLine(via)}`;
}

/** The note of a list of old messages on one that is still unread. */
export function newNotes(message: Message, me: string, now: number): string[] {
  return isUnread(me, message, now) ? ["NEW"] : [];
}

export function itemLines(
  item: InboxItem,
  me: string,
  names: SenderNames,
  now: number,
  held: readonly Claim[],
): string {
  const notes = item.is_open ? ["still open"] : item.is_new || item.message.from_session === me ? [] : ["read"];
  return messageLines(item.message, me, names, now, [...yieldNotes(item.message, held), ...notes]);
}

/** The claims that a request to yield asks for, as far as they are still held. */
export function yieldNotes({ claims: asked = [] }: Message, held: readonly Claim[]): string[] {
  const meant = held.filter(({ id }) => asked.includes(id));
  if (asked.length === 0) return [];
  return meant.length === 0 ? ["for what is held no more"] : [`for ${meant.map(claimWords).join(", ")}`];
}

function deadline(answer_by: string, now: number): string {
  const left = Date.parse(answer_by) - now;
  return left > 0 ? `answer within ${formatLeft(left)}` : "its deadline is over";
}

function call(session: string, names: SenderNames): string {
  return cleanLine(names.get(session) ?? session);
}
