import { RelayError } from "../errors.ts";
import { isSegment } from "../store/key.ts";
import { parsedOrSkipped } from "../store/read.ts";
import { applyEdit } from "../tasks/edit.ts";
import { changed, leave, place, readTask } from "../tasks/indexes.ts";
import { isOver, Task } from "../tasks/task.ts";
import { jsonText } from "../text.ts";
import { hasLeft } from "./agents.ts";
import { forEach, localContext, orNotice, type Replicas, remoteContext, tellOnce } from "./replica.ts";
import { stepsOf } from "./task-merge.ts";
import type { TombstoneLookup } from "./tombstones.ts";

const SETTLED_MS = 86_400_000; // for which a task that is over is still exchanged: it may get a note

/**
 * Repeats on the server what was done to tasks here, in the name of the session that did it. The server's task is then
 * the task here. A copy of each task as both sides last had it, its base, tells which side has changed what.
 */
export async function exchangeTasks(
  replicas: Replicas,
  ours: ReadonlySet<string>,
  gone: TombstoneLookup,
): Promise<void> {
  const { local, remote, now } = replicas;
  const isTask = (id: string) => id.startsWith("task-") && isSegment(id);
  const bases = new Set(await local.list("mirror/tasks"));
  const ids = new Set<string>();
  for (const id of [...(await local.list("tasks")), ...(await remote("").list("tasks"))])
    if (isTask(id) && (bases.has(id) || !gone.has(`tasks/${id}`))) ids.add(id);
  const exchange = async (id: string) => {
    const base = bases.has(id) ? await parsedOrSkipped(local, `mirror/tasks/${id}`, Task) : undefined;
    if (base && isOver(base) && (Date.parse(base.ended_at ?? "") || 0) < now() - SETTLED_MS) return;
    await orNotice(replicas, `task ${id}`, () => exchangeTask(replicas, ours, id, base, gone));
  };
  // New tasks go in the order in which they were made: nobody can take one there before its dependencies are there too.
  for (const id of [...ids].sort()) if (!bases.has(id)) await exchange(id);
  await forEach(
    [...ids].filter((id) => bases.has(id)),
    exchange,
  );
  for (const id of bases) if (!ids.has(id)) await local.update(`mirror/tasks/${id}`, () => undefined);
}

async function exchangeTask(
  replicas: Replicas,
  ours: ReadonlySet<string>,
  id: string,
  before: Task | undefined,
  gone: TombstoneLookup,
): Promise<void> {
  const mine = await readTask(localContext(replicas), id);
  const theirs = await readTask(remoteContext(replicas, ""), id);
  if (before && !theirs && (await gone.hasNow(`tasks/${id}`))) return;
  const base = theirs ? before : undefined; // a task that the server has lost is given to it again
  const done = mine && (await passedOn(replicas, await speakersOf(replicas, ours, mine, base), mine, base, theirs));
  const decided = done && !done.isSame ? await readTask(remoteContext(replicas, ""), id) : theirs;
  const refused = done?.refused;
  if (refused && decided) {
    const text = `What you did to task ${id} "${decided.title}" is void: ${refused.why}`;
    await tellOnce(replicas, refused.by, text, {
      word: `${id} ${refused.by} ${mine?.updated_at}`,
      time: Date.parse(mine?.updated_at ?? "") || 0,
    });
  }
  if (!decided || !(await follow(replicas, mine, decided))) return; // changed meanwhile: the next round sees it
  if (!isSame(base, decided)) await replicas.local.update(`mirror/tasks/${id}`, () => decided, { lasting: false });
}

/** The sessions of ours, also ended ones, that may have done what was done to the task here. */
async function speakersOf(
  replicas: Replicas,
  ours: ReadonlySet<string>,
  mine: Task,
  base: Task | undefined,
): Promise<ReadonlySet<string>> {
  if (isSame(mine, base)) return ours;
  const named = [mine.created_by, mine.owner, base?.owner, ...mine.notes].map((each) =>
    typeof each === "string" ? each : each?.session_id,
  );
  const speakers = new Set(ours);
  for (const session of new Set(named))
    if (session !== undefined && !ours.has(session) && (await hasLeft(replicas, session))) speakers.add(session);
  return speakers;
}

/** Does there what was done here, as far as the server takes it. Undefined for a task of others that it lacks. */
async function passedOn(
  replicas: Replicas,
  ours: ReadonlySet<string>,
  mine: Task,
  base: Task | undefined,
  theirs: Task | undefined,
): Promise<{ readonly refused?: { readonly by: string; readonly why: string }; readonly isSame: boolean } | undefined> {
  let current = theirs;
  if (!current) {
    if (!ours.has(mine.created_by)) return undefined;
    current = asMade(mine);
    await place(remoteContext(replicas, mine.created_by), current);
  }
  // Without a base, the side that changed the task last is right. Notes are an exception: none is lost.
  const wanted =
    base || !theirs || Date.parse(mine.updated_at) > Date.parse(current.updated_at)
      ? mine
      : { ...current, notes: mine.notes };
  const steps = stepsOf(base ?? current, wanted, current, ours, {
    now: remoteContext(replicas, "").now(),
    isGone: () => false,
  });
  let refused: { readonly by: string; readonly why: string } | undefined;
  for (const step of steps) {
    try {
      current = await applyEdit(remoteContext(replicas, step.by), current, step.change, step.depends_on);
    } catch (error) {
      if (!(error instanceof RelayError) || !DECIDED.includes(error.code)) throw error;
      refused ??= { by: step.by, why: error.message };
    }
  }
  return { ...(refused && { refused }), isSame: theirs !== undefined && steps.length === 0 };
}

const DECIDED = ["conflict", "refused", "limit", "usage", "not_found"];

/** A task as it was when it was made: its changes since then follow as steps. */
function asMade(task: Task): Task {
  const { owner: _, token: __, reason: ___, ended_at: ____, ...made } = task;
  return { ...made, state: "pending", notes: [], updated_at: task.created_at };
}

/** Makes the task here what it is there. False if an agent has changed it meanwhile. */
async function follow(replicas: Replicas, seen: Task | undefined, decided: Task): Promise<boolean> {
  if (isSame(seen, decided)) return true;
  const context = localContext(replicas);
  const { id } = decided;
  const key = `tasks/${id}`;
  let isDone = false;
  await changed(context, id, async () => {
    await replicas.local.update(key, (value) => {
      isDone = isSame(value && Task.parse(value, key), seen);
      return isDone ? decided : value;
    });
    if (isDone && seen) await leave(context, seen, decided);
    const before = seen?.owner?.session_id;
    if (isDone && before !== undefined && before !== decided.owner?.session_id)
      await replicas.local.unmark(`tasks/owned/${before}/${id}`);
    return decided;
  });
  return isDone;
}

function isSame(a: Task | undefined, b: Task | undefined): boolean {
  return jsonText(a) === jsonText(b);
}
