import { isName } from "../agents/agent.ts";
import { formatDuration } from "../duration.ts";
import type { Recipient } from "../messages/send.ts";
import { cleanLine, countWord } from "../text.ts";
import { hearingWords } from "./hearing.ts";

/** A recipient of a message in a few words: whether it is here, how it hears of mail, and what waits for it already. */
export function recipientWords(who: Recipient, now: number): string {
  const { session_id, name, presence, last_seen, ended_at, unread_before, is_full } = who;
  const ago = (at: string) => formatDuration(now - Date.parse(at));
  const facts = [
    presence === "unknown" ? "not seen here yet, kept until it comes" : undefined,
    ended_at === undefined ? undefined : `left ${ago(ended_at)} ago, kept until it is back`,
    presence === "active" ? "active" : undefined,
    presence === "idle" && last_seen !== undefined ? `idle ${ago(last_seen)}` : undefined,
    presence === "gone" && ended_at === undefined && last_seen !== undefined
      ? `gone, seen ${ago(last_seen)} ago`
      : undefined,
    presence === "active" || presence === "idle" ? hearingWords(who, now) : undefined,
    unread_before ? `${countWord(unread_before)} unread before this` : undefined,
    is_full ? "its inbox is full: not listed there" : undefined,
  ];
  const called = name !== undefined && isName(name) ? name : session_id;
  return `${cleanLine(called)} (${facts.filter((fact) => fact !== undefined).join(", ")})`;
}
