import type { Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { newNonce, shortId } from "../id.ts";
import { type Infer, integer, list, object, record as recordOf, text } from "../schema.ts";
import { parsedOrSkipped } from "../store/read.ts";
import { readTask } from "./indexes.ts";
import { dependencyCycle, isOver, type Task } from "./task.ts";

// A new task depends on older tasks only, so only an edit can close a cycle. One record holds all edits in progress, so
// two edits cannot close a cycle together.
const EDGES = "tasks/edges";
const Edges = object({
  /** Grows with each edit that ends: dependencies that were read before are stale. */
  ended: integer(),
  /** `<task id>.<nonce>` -> the dependencies that an edit in progress sets. */
  begun: recordOf(object({ at: integer(), depends_on: list(text()) })),
});
type Edges = Infer<typeof Edges>;
const MAX_EDIT_MS = 30_000; // a longer edit fails, so a killed edit blocks others for at most twice that

/** Runs the edit that makes a task depend on these. Throws `conflict` for a cycle, or if the edit takes too long. */
export async function withoutCycle(
  context: Context,
  task: Task,
  depends_on: readonly string[],
  run: (inTime: (task: Task) => Task) => Promise<Task>,
): Promise<Task> {
  const name = `${task.id}.${newNonce()}`;
  const at = context.now();
  await beginEdit(context, name, task, { at, depends_on: [...depends_on] });
  try {
    return await run((edited) => {
      if (context.now() - at <= MAX_EDIT_MS) return edited;
      throw new RelayError("conflict", `Cannot edit "${shortId(task.id)}": it took too long`, { next: "try again" });
    });
  } finally {
    await changeEdges(context, ({ ended, begun: { [name]: _, ...begun } }) => ({ ended: ended + 1, begun }));
  }
}

async function beginEdit(context: Context, name: string, task: Task, edit: Edges["begun"][string]): Promise<void> {
  await parsedOrSkipped(context.store, EDGES, Edges); // sets an unusable record aside
  const known = new Map<string, readonly string[]>();
  let ended: number | undefined;
  for (;;) {
    const missing = new Set<string>();
    await changeEdges(context, (edges) => {
      missing.clear();
      if (edges.ended !== ended) known.clear();
      ended = edges.ended;
      const isLate = ({ at }: { at: number }) => edit.at - at > 2 * MAX_EDIT_MS;
      const begun = Object.entries(edges.begun).filter(([, other]) => !isLate(other));
      const circle = dependencyCycle(task.id, edit.depends_on, (id) => {
        if (!known.has(id)) missing.add(id);
        const coming = begun.filter(([other]) => other.startsWith(`${id}.`));
        return [...(known.get(id) ?? []), ...coming.flatMap(([, { depends_on }]) => depends_on)];
      });
      if (circle) throw cycleError(task, circle);
      return missing.size > 0 ? undefined : { ...edges, begun: { ...Object.fromEntries(begun), [name]: edit } };
    });
    if (missing.size === 0) return;
    for (const id of missing) {
      const needed = await readTask(context, id);
      known.set(id, needed && !isOver(needed) ? needed.depends_on : []);
    }
  }
}

/** Updates the record of edges. Where `change` returns undefined, the record stays. */
async function changeEdges(context: Context, change: (edges: Edges) => Edges | undefined): Promise<void> {
  await context.store.update(EDGES, (value) => {
    const edges = value === undefined ? { ended: 0, begun: {} } : Edges.parse(value, EDGES);
    return change(edges) ?? value;
  });
}

function cycleError(task: Task, circle: readonly string[]): RelayError {
  return new RelayError(
    "conflict",
    `Cannot let "${shortId(task.id)}" wait for itself: ${circle.map(shortId).join(" waits for ")}`,
    {
      next: `agent-relay task show ${shortId(circle[1] ?? task.id)}`,
    },
  );
}
