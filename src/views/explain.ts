import type { Entry } from "../activity/entry.ts";
import { entries } from "../activity/log.ts";
import type { Context } from "../context.ts";
import { Decision } from "../decisions/decision.ts";
import { RelayError } from "../errors.ts";
import { MAX_CLOCK_LEAD_MS, timeOf } from "../id.ts";
import { type Message, mayRead } from "../messages/message.ts";
import { readMessage } from "../messages/records.ts";
import { isSegment } from "../store/key.ts";
import { parsedOrSkipped } from "../store/read.ts";
import { readTask } from "../tasks/indexes.ts";
import type { Task } from "../tasks/task.ts";
import { asTyped } from "../text.ts";
import { readWait } from "../waits/settle.ts";
import type { Wait } from "../waits/wait.ts";

/** One record, and all log entries about it. */
export interface Explanation {
  readonly id: string;
  readonly record?: Message | Task | Wait | Decision | undefined;
  readonly entries: readonly Entry[];
}

const WORDS = ["text", "title", "reason", "agent", "at", "event", "name", "state", "kind"]; // fields that hold no ids

/** What a message, task, claim, wait or decision is, and all that happened to it. Throws `not_found`. */
export async function explain(context: Context, word: string): Promise<Explanation> {
  const id = await wholeId(context, word);
  const found = isSegment(id) ? await recordOf(context, id) : undefined;
  const since = (timeOf(id) ?? MAX_CLOCK_LEAD_MS) - MAX_CLOCK_LEAD_MS;
  const log = await entries(context, { since });
  const isAbout = (name: string, value: unknown) =>
    !WORDS.includes(name) && (value === id || (Array.isArray(value) && value.includes(id)));
  const about = log.entries.filter((entry) => Object.entries(entry).some(([name, value]) => isAbout(name, value)));
  if (found || about.length > 0) return { id, record: found, entries: about };
  throw new RelayError("not_found", `Cannot explain ${asTyped(id)}: nothing here has that id`, {
    next: "agent-relay activity",
  });
}

const FOLDERS: Readonly<Record<string, string>> = {
  msg: "messages",
  task: "tasks",
  wait: "waits",
  decision: "decisions",
};

/** The one id that begins with `word`; `word` itself if there is none, or several. */
async function wholeId({ store }: Context, word: string): Promise<string> {
  const folder = FOLDERS[word.slice(0, word.indexOf("-"))];
  if (folder === undefined || word.length < 8) return word;
  const [found, another] = (await store.list(folder)).filter((id) => id.startsWith(word));
  return found === undefined || another !== undefined ? word : found;
}

async function recordOf(context: Context, id: string): Promise<Explanation["record"]> {
  if (id.startsWith("task-")) return readTask(context, id);
  if (id.startsWith("wait-")) return readWait(context, id);
  if (id.startsWith("decision-")) return parsedOrSkipped(context.store, `decisions/${id}`, Decision);
  const message = await readMessage(context.store, id);
  return message && mayRead(context.session, message) ? message : undefined;
}
