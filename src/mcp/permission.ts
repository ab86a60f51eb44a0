import type { McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";
import { formatDuration } from "../duration.ts";
import { RelayError } from "../errors.ts";
import { verdictIn } from "../messages/approval.ts";
import { type Message, type PermissionVerdict, sentAt } from "../messages/message.ts";
import type { Relay } from "../relay.ts";
import { beginning, clean, cleanLine } from "../text.ts";
import { sleep, steady } from "../time.ts";

/** What the permission relay of Claude Code is called on the wire (2.1.330). */
export const PERMISSION = "claude/channel/permission";

/** The question that the host asks its person, and us besides: the first answer counts. */
const PermissionRequest = z.object({
  request_id: z.string(),
  tool_name: z.string(),
  description: z.string().optional(),
  input_preview: z.string().optional(),
});
type PermissionRequest = z.output<typeof PermissionRequest>;

/** Who may allow what the host asks for (session id or name), and how long their answer is waited for (ms). */
export interface Supervisor {
  readonly who: string;
  readonly within: number;
}

export interface PermissionDeps {
  /** The relay as the session that asks. */
  readonly open: () => Promise<Relay>;
  /** Yields at once, and when something in the inbox of this session may have changed. */
  readonly changes: (relay: Relay, signal: AbortSignal) => AsyncIterable<unknown>;
  readonly failed: (error: Error) => void;
}

/**
 * Sends the supervisor each question for permission that the host asks. Only their own word `allow`, in their first
 * answer and in time, allows. Any other answer denies at once; silence or an error denies when the time is over. A
 * question that is undecided when `signal` aborts stays so.
 */
export function relayPermissions(
  server: McpServer,
  supervisor: Supervisor,
  deps: PermissionDeps,
  signal: AbortSignal,
): void {
  const asking = new Set<string>();
  const relayOne = async (asked: PermissionRequest) => {
    const { request_id } = asked;
    if (asking.has(request_id)) return;
    asking.add(request_id);
    try {
      const behavior = await verdictOf(asked, supervisor, deps, signal);
      if (signal.aborted) return;
      await server.server.notification({ method: `notifications/${PERMISSION}`, params: { request_id, behavior } });
    } finally {
      asking.delete(request_id);
    }
  };
  server.server.setNotificationHandler(`notifications/${PERMISSION}_request`, { params: PermissionRequest }, relayOne);
}

async function verdictOf(
  asked: PermissionRequest,
  supervisor: Supervisor,
  deps: PermissionDeps,
  signal: AbortSignal,
): Promise<PermissionVerdict> {
  const over = new AbortController();
  const isOver = new Promise<void>((resolve) => {
    over.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  const end = () => over.abort();
  // AbortSignal.timeout and .any may be garbage-collected before they abort (Node 20).
  const timer = setTimeout(end, supervisor.within);
  signal.addEventListener("abort", end, { once: true });
  try {
    const verdict = await answered(asked, supervisor, deps, { isOver: over.signal, isEnding: signal });
    if (verdict) return verdict;
    await isOver;
  } catch (error) {
    if (!over.signal.aborted) deps.failed(error instanceof Error ? error : new Error(String(error)));
    await isOver;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
  }
  return "deny";
}

async function answered(
  asked: PermissionRequest,
  { who, within }: Supervisor,
  deps: PermissionDeps,
  { isOver, isEnding }: { readonly isOver: AbortSignal; readonly isEnding: AbortSignal },
): Promise<PermissionVerdict | undefined> {
  const relay = await deps.open();
  const to = await supervising(relay, who);
  const { messages } = await relay.send(questionFor(asked, within), { to, kind: "permission", expiresMs: within });
  const end = steady() + within + CLOCK_GRAIN_MS;
  for (const { id } of messages) {
    for await (const _ of deps.changes(relay, isOver)) {
      const verdict = await verdictOn(relay, id, to);
      if (verdict) return verdict;
    }
    // The relay takes an answer until the question's own time is over, which ends after ours: it was written later.
    await sleep(Math.max(0, end - steady()), isEnding);
    if (!isEnding.aborted) return verdictOn(relay, id, to);
  }
  return undefined;
}

const CLOCK_GRAIN_MS = 2; // by which the relay's clock, of whole ms, may lie behind ours

/** What the supervisor has answered; undefined if nothing yet. */
async function verdictOn(relay: Relay, question: string, to: string): Promise<PermissionVerdict | undefined> {
  const conversation = await relay.messages.thread(question);
  const answer = conversation.find(({ reply_to, from_session }) => reply_to === question && from_session === to);
  if (!answer) return undefined;
  await relay.messages.markRead(answer.id); // it was for us: it is no mail for the model
  const asked = conversation.find(({ id }) => id === question);
  // Over the network, receipts are what whoever keeps the server's folder says: only a signed answer counts.
  if (answer.proof !== undefined || asked?.proof !== undefined)
    return (isSignedInTime(answer, asked) && verdictIn(answer.content)) || "deny";
  return asked?.receipts?.[to]?.verdict ?? "deny";
}

function isSignedInTime(answer: Message, asked: Message | undefined): boolean {
  const until = Date.parse(asked?.expires_at ?? "");
  return answer.proof?.state === "signed" && sentAt(answer) <= until;
}

/** The session that is asked: by its whole id or name, since who is called nearly the same may be anyone. */
async function supervising(relay: Relay, who: string): Promise<string> {
  const to = await relay.agents.resolve(who);
  if (to === relay.session)
    throw new RelayError("refused", `Cannot ask "${who}" for permission: that is the session that asks`);
  if (to !== who && (await relay.agents.find(to))?.name !== who)
    throw new RelayError("not_found", `Cannot ask "${who}" for permission: no session has that id or name`);
  return to;
}

const MAX_CHARS = { input: 6000, description: 500 }; // the host itself sends no more than the beginning

/** The text of the question. The tool's input comes before its description, so that the description cannot hide it. */
function questionFor({ tool_name, description = "", input_preview = "" }: PermissionRequest, within: number): string {
  return [
    `May I use ${cleanLine(tool_name)}? Silence denies it after ${formatDuration(within)}.`,
    ...part("Its input", input_preview, MAX_CHARS.input),
    ...part("Said of it", description, MAX_CHARS.description),
  ].join("\n");
}

function part(what: string, given: string, most: number): string[] {
  const text = clean(given).trim();
  if (text === "") return [];
  const shown =
    text.length > most ? `${beginning(text, most)}… (cut: deny it, or look at the agent's own screen)` : text;
  return [`${what}: ${shown.replaceAll("\n", "\n  ")}`];
}
