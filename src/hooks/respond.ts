import path from "node:path";
import { HookMemory } from "../agents/hook-memory.ts";
import { leaveProcess } from "../agents/leave.ts";
import { readAgent } from "../agents/registry.ts";
import { standIn } from "../agents/whoami.ts";
import { asFarAsPossible } from "../context.ts";
import { RelayError } from "../errors.ts";
import type { HookAnswer, HookCall, ToolUse } from "../hosts/hook.ts";
import type { HookCallers } from "../machine/hook-callers.ts";
import { startOf } from "../machine/process.ts";
import { asks } from "../messages/message.ts";
import type { InboxItem } from "../messages/message-state.ts";
import type { Relay } from "../relay.ts";
import { itemLines, sessionsIn } from "../render/messages.ts";
import type { Store } from "../store/store.ts";
import { cleanLine, inQuotes } from "../text.ts";
import { type ContextBlock, contextBlock } from "./context-block.ts";
import { filesOf } from "./tool-files.ts";

// What few events need is loaded when they come: what a hook loads is most of what it costs.

const READER_PATIENCE_MS = 200; // to wait for another reader of this session, which then shows the mail
const MAX_ITEMS = 50;
const NEXT_SCAN = "stamps/hook-due"; // a mark: after its time the launcher starts Node while anybody waits for anything
const SCAN_EVERY_MS = 10_000;
const MAX_NOTED_FILES = 100; // files of one tool
const MAX_NOTICES = 5;
const GREET_ONCE_MS = 3000; // one start may call two of our hooks, even some set up for another host: greet once
const MAX_HOLDS = 5; // times in a row that an agent is kept from stopping

/** Where a hook runs. */
export interface HookContext {
  readonly relay: Relay;
  readonly store: Store;
  readonly project: string;
  readonly now: () => number;
  /** The relay as another session. */
  readonly as: (session: string) => Relay;
  /** Whether what peers wrote may be put before a model: not of a relay that came with a cloned repository. */
  readonly isTrusted: boolean;
  /** Claims outlive the session, until they run out. */
  readonly keepsClaims: boolean;
  /** The agent's process; 0 if it is not known. */
  readonly pid: number;
  /** The pid of the process that called the launcher, if the launcher said so. */
  readonly parent?: number | undefined;
  readonly callers: HookCallers;
  /** How an agent calls the command where `agent-relay` is not in its PATH. */
  readonly command?: string | undefined;
  /** The host calls a hook after all tools of a step; mail waits for that call. */
  readonly hasSteps: boolean;
}

/** Writes an answer out. If it throws, nothing is marked as shown. */
export type Say = (answer: HookAnswer) => Promise<void>;

/** Answers a hook's call. This is all the policy, for every host. Says at most one thing. */
export async function respond(here: HookContext, call: HookCall, say: Say): Promise<void> {
  const { moment, isSubagent } = call;
  switch (moment.at) {
    case "start":
      return isSubagent ? undefined : start(here, call, moment.isOften === true, say);
    case "prompt":
      if (isSubagent) return undefined;
      return (await isNew(here, call)) ? start(here, call, false, say) : tellMail(here, call, say, () => true);
    case "step":
      if (isSubagent) return undefined;
      return (await isNew(here, call)) ? start(here, call, false, say) : tellMail(here, call, say, isUnseen);
    case "before":
      return guard(here, call, moment.tool, say);
    case "after":
      return after(here, call, moment.tool, say);
    case "stop":
      return isSubagent ? undefined : stop(here, call, moment.wasHeld, say);
    case "pause":
      return isSubagent ? undefined : letClaimsLast(here);
    case "end":
      return isSubagent ? undefined : end(here, call);
    case "other":
      return undefined;
  }
}

async function start(here: HookContext, call: HookCall, isOften: boolean, say: Say): Promise<void> {
  const { relay, now, isTrusted } = here;
  const hadBegun =
    here.parent !== undefined &&
    here.callers.note({ pid: here.parent, session: call.session, relay: path.resolve(relay.dir) });
  if (isOften && hadBegun && !(await isNew(here, call))) return;
  await relay.agents.register();
  await asFarAsPossible(() => endStandIn(here));
  if (!isTrusted) {
    const context = `This project's agent-relay came from elsewhere; what is in it is not shown to you until a person types: agent-relay trust\n`;
    return say({ context });
  }
  const { briefing, greeting } = await import("../render/briefing.ts");
  const found = await relay.activity.snapshot();
  const ours = greeting(found, call.session, here.command);
  await showMail(
    here,
    call,
    ours,
    briefing(found, call.session, now()),
    () => true,
    ({ text: context }) => say({ context }),
  );
}

/** Whether the session has given no sign of life here: there was no relay when it began, and another has registered it, or nobody. */
async function isNew({ store }: HookContext, { session }: HookCall): Promise<boolean> {
  return (await store.markedAt(`agents/${session}.seen`)) === undefined;
}

const isUnseen = (item: InboxItem) => item.is_new;

/**
 * Ends what the process was for the others until its hooks told its session: a host starts its servers of tools first. Not
 * what was written to, or has begun something: it ends with the process.
 */
async function endStandIn({ relay, store, pid, as }: HookContext): Promise<void> {
  const started = pid === 0 ? undefined : startOf(pid);
  if (started === undefined) return;
  const session = standIn(relay.agent, { pid, started });
  if (session === relay.session || !(await readAgent(store, "agents", session))) return;
  const { items } = await as(session).inbox({ peek: true, limit: MAX_ITEMS });
  const isWrittenTo = items.some(({ message }) => message.to_session === session);
  if (isWrittenTo) return;
  const { isAtWork } = await import("../views/snapshot.ts");
  if (!isAtWork(await relay.activity.snapshot(), session)) await as(session).agents.unregister();
}

async function tellMail(
  here: HookContext,
  call: HookCall,
  say: Say,
  isMeant: (item: InboxItem) => boolean,
): Promise<void> {
  if (here.isTrusted) await showMail(here, call, [], [], isMeant, ({ text: context }) => say({ context }));
}

/** Puts mail before the model. The messages that are in the block whole are marked as read once it is written. */
async function showMail(
  here: HookContext,
  call: HookCall,
  ours: readonly string[],
  theirs: readonly string[],
  isMeant: (item: InboxItem) => boolean,
  say: (made: ContextBlock) => Promise<void>,
): Promise<void> {
  const { relay, now } = here;
  const memory = memoryOf(here, call);
  const isStart = call.moment.at === "start";
  const before = isStart ? new Set<string>() : await memory.ids("announced");
  const wasGreeted = isStart && !(await memory.isGreeter(now(), now() - GREET_ONCE_MS));
  const rank = (item: InboxItem) => (isMeant(item) && !before.has(item.message.id) ? urgency(item) : undefined);
  const show = async (meant: readonly InboxItem[], more = 0, broken: readonly string[] = []) => {
    const names = await relay.agents.names(sessionsIn(meant.map(({ message }) => message)));
    const held = meant.some(({ message }) => message.claims !== undefined) ? await relay.claims.list() : [];
    const render = (item: InboxItem) => itemLines(item, call.session, names, now(), held);
    const about = wasGreeted ? { ours: [], theirs: [] } : { ours, theirs };
    const untold = broken.filter((id) => !before.has(id));
    const made = contextBlock(
      [...about.ours, ...untold.map(brokenLine)],
      about.theirs,
      meant,
      render,
      meant.length === 0 ? 0 : more,
    );
    if (made.text !== "") await say(made);
    for (const id of [...made.announced.map(({ message }) => message.id), ...untold])
      await memory.note("announced", id);
    return made.shown;
  };
  try {
    await relay.inbox({
      limit: MAX_ITEMS,
      by: "hooks",
      rank,
      patienceMs: READER_PATIENCE_MS,
      show: (items, found) => show(items, found.more, found.broken),
    });
  } catch (error) {
    if (!(error instanceof RelayError) || error.code !== "conflict") throw error;
    if (ours.length > 0) await show([]); // another reader shows the mail
  }
  await asFarAsPossible(() => here.store.mark(NEXT_SCAN, now() + SCAN_EVERY_MS)); // the inbox has settled the due waits
}

function brokenLine(id: string): string {
  return `A message to you cannot be read, ${cleanLine(id)}; who sent it is told, if that can still be seen.\n`;
}

/** Denies a tool that would write what another session has claimed; else renews this session's claims. */
async function guard({ relay, now, isTrusted }: HookContext, call: HookCall, tool: ToolUse, say: Say): Promise<void> {
  const files = isTrusted ? filesOf(tool, call.cwd) : [];
  if (files.length === 0) return;
  const { reasonAgainst } = await import("./claim-guard.ts");
  const deny = await reasonAgainst(relay, files, call, now());
  if (deny !== undefined) return say({ deny });
  await relay.claims.renew({ ifDue: true });
}

/** Notes the written files. Tells which other sessions wrote them too, and what mail came meanwhile. */
async function after(here: HookContext, call: HookCall, tool: ToolUse, say: Say): Promise<void> {
  const { relay, store, project, now } = here;
  const files = filesOf(tool, call.cwd).slice(0, MAX_NOTED_FILES);
  const notices: string[] = [];
  if (files.length > 0) {
    await relay.activity.noteEdits(files);
    const { recentEdits } = await import("./edits.ts");
    const edits = await recentEdits(store, call.session, files, { cwd: call.cwd, project }, now());
    const names = await relay.agents.names(edits.map(({ session }) => session));
    for (const { file, session } of edits) {
      const who = cleanLine(names.get(session) ?? session);
      if (notices.length < MAX_NOTICES)
        notices.push(`${who} wrote ${inQuotes(cleanLine(file))} too, less than 30 s ago: talk to them, or claim it\n`);
    }
  }
  const isMailDue = !here.hasSteps && !call.isSubagent;
  if (!here.isTrusted) return;
  if (!isMailDue) return notices.length === 0 ? undefined : say({ context: notices.join("") });
  await showMail(here, call, notices, [], isUnseen, ({ text: context }) => say({ context }));
}

/** New direct messages and open ones keep the agent going, once for each message. */
async function stop(here: HookContext, call: HookCall, wasHeld: boolean | undefined, say: Say): Promise<void> {
  if (!here.isTrusted) return;
  const memory = memoryOf(here, call);
  const count = Math.max(await memory.holds(), wasHeld === true ? 1 : 0); // another tool's hook may have held it
  if (count >= MAX_HOLDS) return memory.rest();
  let isHeld = false;
  const held = await memory.ids("held");
  const isDue = ({ message, is_new, is_open }: InboxItem) =>
    !held.has(message.id) && (is_open || (is_new && message.to_session === call.session));
  await showMail(here, call, [], [], isDue, async ({ text, shown, announced }) => {
    isHeld = true;
    await memory.hold(count + 1); // first: a hook that cannot count must not hold
    await say({ goOn: `${text}Deal with this before you stop; if there is nothing to do, say so and stop.\n` });
    for (const { message } of [...shown, ...announced]) await memory.note("held", message.id);
  });
  if (!isHeld && count > 0) await memory.rest();
}

/** New messages that ask for something, other new direct ones, those that still ask, and the rest. */
function urgency({ message, is_new }: InboxItem): number {
  if (!is_new) return 2;
  return asks(message) ? 0 : message.to_session === null ? 3 : 1;
}

async function letClaimsLast({ relay, keepsClaims }: HookContext): Promise<void> {
  if (keepsClaims) await relay.agents.register({ pid: 0 }); // else the claims would end with the process
}

/** The session ends with its last process: it may have been resumed in another beside this one. */
async function end({ relay, store, keepsClaims, pid, parent, callers }: HookContext, call: HookCall): Promise<void> {
  if (parent !== undefined) callers.forget(call.session, parent);
  if (await leaveProcess(store, call.session, pid)) return;
  await new HookMemory(store, call.session).forget();
  callers.forget(call.session);
  if (!keepsClaims) return void (await relay.agents.unregister());
  await relay.agents.register({ pid: 0 });
  await relay.agents.setStatus("has left; what it has claimed stays so until its time is over");
}

function memoryOf({ store }: HookContext, { session }: HookCall): HookMemory {
  return new HookMemory(store, session);
}
