import type { Claim } from "../claim.ts";
import { inQuotes, nextFor, sayAgain, sayBlockers } from "../claim-words.ts";
import { asFarAsPossible } from "../context.ts";
import { RelayError } from "../errors.ts";
import type { InboxItem } from "../inbox.ts";
import { itemLines } from "../lines.ts";
import { forgetParents, noteParent } from "../parents.ts";
import type { Relay } from "../relay.ts";
import type { Store } from "../store/store.ts";
import { cleanLine } from "../text.ts";
import { type Block, block } from "./block.ts";
import type { Answer, Call, ToolUse } from "./call.ts";
import { filesOf, touched } from "./edits.ts";
import { Memory } from "./memory.ts";
import { namesOf } from "./names.ts";
import { greeting, situation } from "./situation.ts";

const PATIENCE = 200; // ms for another reader of this session; it shows what there is
const MOST_ITEMS = 50;
const NEXT_LOOK = "stamps/hook-due"; // its time: from then on the launcher starts Node while anybody waits for anything
const LOOK_EVERY = 10_000; // ms
const MOST_NOTED = 100; // files of one tool
const MOST_NOTICES = 5;
const MOST_HOLDS = 5; // times in a row that an agent is kept from stopping

/** Where a hook runs. */
export interface Place {
  readonly relay: Relay;
  readonly store: Store;
  readonly project: string;
  readonly now: () => number;
  /** Whether what peers wrote may be put before a model: not of a relay that came with a cloned repository. */
  readonly isTrusted: boolean;
  /** Claims outlive the session, until they run out. */
  readonly keepsClaims: boolean;
  /** The process that calls the launcher, where that says so. */
  readonly parent?: number | undefined;
  /** The host has a moment of its own after all tools of a step; mail waits for it then. */
  readonly hasSteps: boolean;
}

/** Writes an answer out; what it throws marks nothing as shown. */
export type Say = (answer: Answer) => Promise<void>;

/** What to say at a moment: all policy, for every host. Says at most one thing. */
export async function respond(place: Place, call: Call, say: Say): Promise<void> {
  const { moment, isSubagent } = call;
  switch (moment.at) {
    case "start":
      return isSubagent ? undefined : start(place, call, moment.isOften === true, say);
    case "prompt":
      return isSubagent ? undefined : tellMail(place, call, say, () => true);
    case "step":
      return isSubagent ? undefined : tellMail(place, call, say, (item) => item.is_new);
    case "before":
      return guard(place, call, moment.tool, say);
    case "after":
      return after(place, call, moment.tool, say);
    case "stop":
      return isSubagent ? undefined : stop(place, call, moment.wasHeld, say);
    case "end":
      return isSubagent ? undefined : end(place, call);
    case "other":
      return undefined;
  }
}

async function start(place: Place, call: Call, isOften: boolean, say: Say): Promise<void> {
  const { relay, now, isTrusted } = place;
  const hadBegun = place.parent !== undefined && (await noteParent(place.store, place.parent, call.session));
  if (isOften && hadBegun) return;
  await relay.register();
  if (!isTrusted) {
    const context = `This project's agent-relay came from elsewhere; what is in it is not shown to you until a person types: agent-relay trust\n`;
    return say({ context });
  }
  const found = await relay.snapshot();
  const ours = greeting(found, call.session);
  await tell(
    place,
    call,
    ours,
    situation(found, call.session, now()),
    () => true,
    ({ text: context }) => say({ context }),
  );
}

async function tellMail(place: Place, call: Call, say: Say, isMeant: (item: InboxItem) => boolean): Promise<void> {
  if (place.isTrusted) await tell(place, call, [], [], isMeant, ({ text: context }) => say({ context }));
}

/** Puts mail before the model; what was in it whole is marked as read once it was written. */
async function tell(
  place: Place,
  call: Call,
  ours: readonly string[],
  theirs: readonly string[],
  isMeant: (item: InboxItem) => boolean,
  say: (made: Block) => Promise<void>,
): Promise<void> {
  const { relay, now } = place;
  const memory = memoryOf(place, call);
  const before = call.moment.at === "start" ? new Set<string>() : await memory.ids("announced");
  const show = async (items: readonly InboxItem[], more = 0) => {
    const meant = items.filter((item) => isMeant(item) && !before.has(item.message.id));
    const names = namesOf(meant.length === 0 ? [] : await relay.agents());
    const held = meant.some(({ message }) => message.claims !== undefined) ? await relay.claims() : [];
    const render = (item: InboxItem) => itemLines(item, call.session, names, now(), held);
    const made = block(ours, theirs, meant, render, meant.length === 0 ? 0 : more);
    if (made.text !== "") await say(made);
    for (const { message } of made.announced) await memory.note("announced", message.id);
    return made.shown;
  };
  try {
    await relay.inbox({ limit: MOST_ITEMS, patience: PATIENCE, show: (items, found) => show(items, found.more) });
  } catch (error) {
    if (!(error instanceof RelayError) || error.code !== "conflict") throw error;
    if (ours.length > 0) await show([]); // another reader shows the mail
  }
  await asFarAsPossible(() => place.store.mark(NEXT_LOOK, now() + LOOK_EVERY)); // that look has settled what was due
}

/** Denies the tool if it would write what another has claimed; renews what this session has. */
async function guard(place: Place, call: Call, tool: ToolUse, say: Say): Promise<void> {
  const { relay, now } = place;
  const files = filesOf(tool, call.cwd);
  if (files.length === 0) return;
  const mine = (await relay.claims()).filter((claim) => claim.session_id === call.session);
  if (mine.some((claim) => claim.expires_at - now() < claim.ttl / 2)) await relay.renewClaims();
  const isOthers = (claim: Claim) => claim.session_id !== call.session;
  const all = await checked(relay, files, call.cwd);
  if (all && !all.claims.some(isOthers)) return;
  for (const file of files) {
    const found = await checked(relay, [file], call.cwd);
    const others = found?.claims.filter(isOthers) ?? [];
    if (!found || others.length === 0 || found.is_mine) continue;
    const names = namesOf(await relay.agents());
    const blockers = others.map((claim) => ({ claim }));
    const says = place.isTrusted ? sayBlockers(blockers, names, now()) : "another agent has claimed it";
    const next = nextFor(sayAgain([file], {}), place.isTrusted ? blockers : []);
    return say({
      deny: cleanLine(`${inQuotes(file)} is not to be edited now: ${says}. Work on something else, or: ${next}`),
    });
  }
}

async function checked(relay: Relay, files: readonly string[], cwd: string) {
  try {
    return await relay.check(files, { cwd, apart: true }); // what is written is in one worktree
  } catch (error) {
    if (error instanceof RelayError && error.code === "usage") return undefined; // no path that anybody could claim
    throw error;
  }
}

/** Notes what was written, says who else writes the same, and what mail came meanwhile. */
async function after(place: Place, call: Call, tool: ToolUse, say: Say): Promise<void> {
  const { relay, store, project, now } = place;
  const files = filesOf(tool, call.cwd).slice(0, MOST_NOTED);
  const notices: string[] = [];
  if (files.length > 0) {
    await relay.noteEdit(files);
    const names = namesOf(await relay.agents());
    for (const { file, session } of await touched(store, call.session, files, { cwd: call.cwd, project }, now())) {
      const who = cleanLine(names.get(session) ?? session);
      if (notices.length < MOST_NOTICES)
        notices.push(`${who} wrote ${inQuotes(cleanLine(file))} too, less than 30 s ago: talk to them, or claim it\n`);
    }
  }
  const isMailDue = !place.hasSteps && !call.isSubagent;
  if (!place.isTrusted) return;
  if (!isMailDue) return notices.length === 0 ? undefined : say({ context: notices.join("") });
  await tell(
    place,
    call,
    notices,
    [],
    (item) => item.is_new,
    ({ text: context }) => say({ context }),
  );
}

/** Direct mail and what still asks for an answer keep the agent going, once for each message. */
async function stop(place: Place, call: Call, wasHeld: boolean | undefined, say: Say): Promise<void> {
  if (!place.isTrusted) return;
  const memory = memoryOf(place, call);
  const count = Math.max(await memory.holds(), wasHeld === true ? 1 : 0); // also by another tool's hook
  if (count >= MOST_HOLDS) return memory.rest();
  let isHeld = false;
  const held = await memory.ids("held");
  const isDue = ({ message, is_new, is_open }: InboxItem) =>
    !held.has(message.id) && (is_open || (is_new && message.to_session === call.session));
  await tell(place, call, [], [], isDue, async ({ text, shown, announced }) => {
    isHeld = true;
    await memory.hold(count + 1); // first: who cannot count does not hold
    await say({ goOn: `${text}Deal with this before you stop; if there is nothing to do, say so and stop.\n` });
    for (const { message } of [...shown, ...announced]) await memory.note("held", message.id);
  });
  if (!isHeld && count > 0) await memory.rest();
}

async function end({ relay, store, keepsClaims }: Place, call: Call): Promise<void> {
  await new Memory(store, call.session).forget();
  await forgetParents(store, call.session);
  if (keepsClaims) await relay.register({ pid: 0 });
  else await relay.unregister();
}

function memoryOf({ store }: Place, { session }: Call): Memory {
  return new Memory(store, session);
}
