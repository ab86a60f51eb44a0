import type { Entry } from "../activity/entry.ts";
import { entries } from "../activity/log.ts";
import type { Context } from "../context.ts";
import { Decision } from "../decisions/decision.ts";
import { RelayError } from "../errors.ts";
import { MAX_CLOCK_LEAD_MS, timeOf } from "../id.ts";
import type { Message } from "../messages/message.ts";
import { isReadable, readableWith, readMessage } from "../messages/records.ts";
import { idsWith, namesWith, onlyOne } from "../store/id-part.ts";
import { isSegment } from "../store/key.ts";
import { parsedOrSkipped } from "../store/read.ts";
import { nameOf, type SetAside } from "../store/store.ts";
import { readTask, tasksWith } from "../tasks/indexes.ts";
import type { Task } from "../tasks/task.ts";
import { asTyped } from "../text.ts";
import { readWait } from "../waits/settle.ts";
import type { Wait } from "../waits/wait.ts";

/** One record, and all log entries about it. */
export interface Explanation {
  readonly id: string;
  readonly record?: Message | Task | Wait | Decision | undefined;
  readonly entries: readonly Entry[];
  /** Where its record is, and why, if it could not be read and was set aside. */
  readonly set_aside?: Pick<SetAside, "file" | "reason" | "at"> | undefined;
}

const WORDS = ["text", "title", "reason", "agent_id", "at", "event", "name", "state", "kind"]; // fields that hold no ids

/** What a message, task, claim, wait or decision is, and all that happened to it. Throws `not_found`. */
export async function explain(context: Context, word: string): Promise<Explanation> {
  const id = await wholeId(context, word);
  const found = isSegment(id) ? await recordOf(context, id) : undefined;
  const since = (timeOf(id) ?? MAX_CLOCK_LEAD_MS) - MAX_CLOCK_LEAD_MS;
  const log = await entries(context, { since });
  const isAbout = (name: string, value: unknown) =>
    !WORDS.includes(name) && (value === id || (Array.isArray(value) && value.includes(id)));
  const about = log.entries.filter((entry) => Object.entries(entry).some(([name, value]) => isAbout(name, value)));
  const aside = found ? undefined : await setAsideOf(context, id);
  if (found || aside || about.length > 0)
    return { id, record: found, entries: about, ...(aside && { set_aside: aside }) };
  throw new RelayError("not_found", `Cannot explain ${asTyped(id)}: nothing here has that id`, {
    next: "agent-relay activity",
  });
}

async function setAsideOf({ store }: Context, id: string): Promise<Explanation["set_aside"]> {
  const found = (await store.setAside?.())?.findLast(({ key }) => nameOf(key) === id);
  return found && { file: found.file, reason: found.reason, at: found.at };
}

/** The whole id that `word` begins or ends; `word` itself where nothing has one. Throws `usage` for several. */
async function wholeId(context: Context, word: string): Promise<string> {
  if (isSegment(word) && (await recordOf(context, word))) return word;
  const { store } = context;
  const lists = await Promise.all(["waits", "decisions"].map((folder) => namesWith(store, folder, word)));
  const recorded = [
    ...(await readableWith(context, word)).keys(),
    ...(await tasksWith(context, word)),
    ...lists.flat(),
  ];
  const ids = recorded.length > 0 ? recorded : idsWith(await idsLogged(context), word);
  return onlyOne(ids, word, "record") ?? word;
}

/** The ids that the log names: of claims, and of what was removed. */
async function idsLogged(context: Context): Promise<string[]> {
  const { entries: all } = await entries(context, { since: 0 });
  const ids = all.flatMap((entry) => Object.values(entry)).filter((value) => typeof value === "string");
  return [...new Set(ids.filter((value) => /^(?:msg|task|wait|decision|claim)-/.test(value)))];
}

async function recordOf(context: Context, id: string): Promise<Explanation["record"]> {
  if (id.startsWith("task-")) return readTask(context, id);
  if (id.startsWith("wait-")) return readWait(context, id);
  if (id.startsWith("decision-")) return parsedOrSkipped(context.store, `decisions/${id}`, Decision);
  const message = await readMessage(context.store, id);
  return message && isReadable(context, message) ? message : undefined;
}
