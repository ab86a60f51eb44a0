import { isOfRun, processState } from "../agents/processes.ts";
import { callsOf, readAgent } from "../agents/registry.ts";
import { type ClaimTarget, sayTargets, targetsMeet } from "../claims/claim.ts";
import { factsOf, readClaims } from "../claims/ledger.ts";
import { isLive } from "../claims/rules.ts";
import type { Context } from "../context.ts";
import { liveness } from "../machine/process.ts";
import { isFor, isLive as isLiveMessage, isOpen, isUnread, type Message, mayRead } from "../messages/message.ts";
import { readMessage, recordSetAside } from "../messages/records.ts";
import { isSegment } from "../store/key.ts";
import { eachReadable } from "../store/read.ts";
import { readTask, unmet } from "../tasks/indexes.ts";
import { isOver as isTaskOver, type Task } from "../tasks/task.ts";
import type { Condition, ConditionState } from "./wait.ts";

/** The state of a condition for a session. `passed` keeps the ids of messages that a later scan need not read again. */
export async function conditionState(
  context: Context,
  condition: Condition,
  passed = new Set<string>(),
): Promise<ConditionState> {
  const { id = "", session } = condition;
  switch (condition.event) {
    case "released":
      return released(context, condition.targets ?? []);
    case "ended":
      return session === undefined ? { on: [] } : ended(context, session, condition);
    case "message":
      return { outcome: await unreadOf(context, condition, passed), on: session === undefined ? [] : [session] };
    case "reply":
      return replied(context, id, passed);
    case "task":
      return taskOver(context, id);
    case "answer":
      return { outcome: await answered(context, id), on: [] };
  }
}

async function called(context: Context, session: string): Promise<string> {
  return (await callsOf(context, [session]))(session);
}

async function released(context: Context, targets: readonly ClaimTarget[]): Promise<ConditionState> {
  const all = await readClaims(context);
  const meets = all.claims.filter(
    (claim) =>
      claim.session_id !== context.session &&
      claim.targets.some((one) => targets.some((other) => targetsMeet(one, other))),
  );
  const facts = await factsOf(context, { ...all, claims: meets });
  const held = meets.filter((claim) => isLive(claim, facts));
  if (held.length === 0) return { outcome: `${sayTargets(targets)} is free`, on: [] };
  return {
    on: [...new Set(held.map((claim) => claim.session_id))],
    at: Math.max(...held.map((claim) => Date.parse(claim.offered_until ?? claim.expires_at))),
  };
}

async function ended(context: Context, session: string, then: Condition): Promise<ConditionState> {
  const agent = await readAgent(context.store, "agents", session);
  if (!agent) return { outcome: `${await called(context, session)} has left`, on: [] };
  const { pid = 0, pid_started: started, place = "" } = then;
  const isOther = pid > 0 && !isOfRun(agent, pid, started);
  const hasDied = processState(agent) === "dead" || (isOther && liveness({ pid, started, place }) === "dead");
  return hasDied ? { outcome: `the process of ${await called(context, session)} has died`, on: [] } : { on: [session] };
}

async function unreadOf(
  context: Context,
  { session, kind }: Condition,
  passed: Set<string>,
): Promise<string | undefined> {
  const ids = (await context.store.marks(`inboxes/${context.session}`)).filter((id) => !passed.has(id));
  for await (const [id, message] of eachReadable(context.store, ids, (each) => readMessage(context.store, each))) {
    if (!message || !isUnread(context.session, message, context.now())) continue; // not passed: it may still be written
    if (
      (session === undefined || message.from_session === session) &&
      (kind === undefined || (message.kind ?? "info") === kind)
    )
      return `${id} from ${await called(context, message.from_session)}`;
    passed.add(id);
  }
  return undefined;
}

async function replied(context: Context, id: string, passed: Set<string>): Promise<ConditionState> {
  const { store, session } = context;
  const question = await readMessage(store, id);
  if (question && !mayRead(session, question)) return { on: [] };
  const root = question?.thread ?? id;
  for (const each of isSegment(root) ? await store.marks(`threads/${root}`) : []) {
    if (passed.has(each)) continue;
    const message = await readMessage(store, each);
    if (!message || !mayRead(session, message)) continue;
    if (message.reply_to === id && message.from_session !== session && isLiveMessage(message, context.now()))
      return { outcome: `${each} from ${await called(context, message.from_session)}`, on: [] };
    passed.add(each);
  }
  const asked = question?.to_session ?? undefined;
  if (asked === undefined) return { on: [] };
  const isAcked = question?.receipts?.[asked]?.acked_at !== undefined; // an answer comes before the ack that it is
  return isAcked
    ? { outcome: `${await called(context, asked)} acked ${id} without an answer`, on: [] }
    : { on: [asked] };
}

async function taskOver(context: Context, id: string): Promise<ConditionState> {
  const task = await readTask(context, id);
  if (!task) return { outcome: `${id} was removed`, on: [] };
  if (isTaskOver(task))
    return {
      outcome:
        task.state === "done"
          ? `${id} is done${task.owner ? ` by ${await called(context, task.owner.session_id)}` : ""}`
          : `${id} was cancelled`,
      on: [],
    };
  return { on: [...(await workersOf(context, task))] };
}

/** The sessions that work on a task, or on the dependencies it waits for. */
async function workersOf(context: Context, first: Task): Promise<Set<string>> {
  const workers = new Set<string>();
  const seen = new Set<string>();
  for (const stack = [first]; stack.length > 0; ) {
    const task = stack.pop();
    if (!task || seen.has(task.id)) continue;
    seen.add(task.id);
    if (task.owner && task.state === "in_progress") workers.add(task.owner.session_id);
    else stack.push(...(await unmet(context, task)));
  }
  return workers;
}

/** The outcome; undefined while the message's recipient still owes an answer. */
async function answered(context: Context, id: string): Promise<string | undefined> {
  const message = await readMessage(context.store, id);
  if (!message && (await recordSetAside(context.store, `messages/${id}`))) return undefined; // nobody could answer it
  if (!message || !mayRead(context.session, message)) return `${id} was removed`;
  return owes(message, context.now()) ? undefined : `${id} was answered`;
}

function owes(message: Message, now: number): boolean {
  const to = message.to_session;
  return to !== null && isFor(to, message) && isOpen(to, message, now);
}
