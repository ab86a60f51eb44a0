import { ensureRegistered } from "../agents/register.ts";
import { callsOf, refuseElsewhere } from "../agents/registry.ts";
import { type Claim, type ClaimTarget, checkTtl, isSameTargets } from "../claims/claim.ts";
import { check, claims, claimTargets, extend, giveBackById } from "../claims/claims.ts";
import { settleClaims } from "../claims/ledger.ts";
import { pathTargets, typedFrom, whence } from "../claims/paths.ts";
import { blockers } from "../claims/rules.ts";
import { askCommand } from "../claims/wording.ts";
import type { Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { worktreeOf } from "../git/repository.ts";
import { shortId } from "../id.ts";
import { LEASE_TTL_MS } from "../limits.ts";
import { isMirrored, whenDecided } from "../project/upstream.ts";
import { quoted } from "../shell/quote.ts";
import { beginning } from "../text.ts";
import { changed, readTask, readyTasks, tasksOf, unmet } from "./indexes.ts";
import { filesOf, isFree, isOver, type Task, taken } from "./task.ts";
import {
  actorOf,
  factsOf,
  logTask,
  notifyPreviousHolder,
  type Telling,
  takenFrom,
  taskOf,
  updateTask,
} from "./update.ts";

const FILES_HOLD_MS = 30_000; // that files are held while their task is being taken

export interface TakeOptions {
  /** How long the lease on the task lasts, ms: 10 seconds to 8 hours, default 30 minutes. Claim again to renew. */
  readonly ttlMs?: number | undefined;
  /** Claims the task's files too, all or none. They are given back when the task is done or released. */
  readonly claimFiles?: boolean | undefined;
  /** Takes the task although some of its dependencies are not over. */
  readonly ignoreDependencies?: boolean | undefined;
  /** A person takes the task from its holder, who is told. */
  readonly force?: boolean | undefined;
}

/** Takes one task, or renews it. Throws `conflict` if another works on it, or if it waits for other tasks. */
export async function claimTask(context: Context, word: string, options: TakeOptions & Telling): Promise<Task> {
  const task = await taskOf(context, word);
  const missing = options.ignoreDependencies ? [] : await unmet(context, task);
  const [first] = missing;
  if (first && !isOver(task))
    throw new RelayError(
      "conflict",
      `Cannot claim "${shortId(task.id)}": it waits for ${missing.map(({ id }) => shortId(id)).join(", ")}`,
      {
        next: `agent-relay task show ${shortId(first.id)}, or take it all the same with --ignore-dependencies`,
      },
    );
  return takeTask(context, task, options);
}

/** Takes the first ready task; an abandoned one counts. Throws `conflict` if others hold the files of all of them. */
export async function nextTask(context: Context, options: TakeOptions & Telling): Promise<Task | undefined> {
  const isHeld = options.claimFiles ? await filesHeld(context) : () => false;
  const held: Task[] = [];
  for await (const task of readyTasks(context)) {
    if (!isFree(task, await factsOf(context, task))) continue;
    if (isHeld(task)) {
      held.push(task);
      continue;
    }
    try {
      return await takeTask(context, task, options);
    } catch (error) {
      if (!(error instanceof RelayError) || error.code !== "conflict") throw error; // another was faster
    }
  }
  const [first] = held;
  if (first) throw await allHeld(context, first, held.length);
  return undefined;
}

/** Tells whether others hold the files of a task, from one read of the claims: trying each costs a locked change. */
async function filesHeld(context: Context): Promise<(task: Task) => boolean> {
  const seen = await settleClaims(context);
  return (task) => {
    const targets = targetsOf(context, task);
    return targets.length > 0 && blockers(seen, { session_id: context.session, targets, mode: "exclusive" }).length > 0;
  };
}

/** The error where others hold the files of every task that is ready. */
async function allHeld(context: Context, task: Task, count: number): Promise<RelayError> {
  const files = filesOf(task).map((file) => quoted(typedFrom(file, whence(context))));
  const next = `agent-relay wait --released ${files.join(" ")}, or take one without --claim-files`;
  const holders = [...new Set((await check(context, filesOf(task))).claims.map(({ session_id }) => session_id))];
  const called = holders.map(await callsOf(context, holders));
  const hold = called.length === 1 ? `${called[0]} holds` : `${called.join(", ") || "others"} hold`;
  const others = count === 1 ? "it is the only ready one" : `so are those of the other ${count - 1} that are ready`;
  return new RelayError("conflict", `Cannot claim the files of "${shortId(task.id)}": ${hold} them, ${others}`, {
    next,
  });
}

/** Claims the files first, all or none; then takes the task. A kill in between leaves a short lease on the files. */
async function takeTask(context: Context, task: Task, options: TakeOptions & Telling): Promise<Task> {
  const ttl_ms = checkTtl(options.ttlMs ?? LEASE_TTL_MS.default);
  await ensureRegistered(context);
  if (options.force && task.owner) await refuseElsewhere(context, task.owner.session_id);
  if (options.force) await takeFilesAway(context, task);
  const hold = options.claimFiles && task.files.length > 0 ? await holdFiles(context, task) : undefined;
  try {
    const facts = await factsOf(context, task);
    const tentative = await isMirrored(context);
    const lease = { ttl_ms, tentative, claim: hold?.isForTask ? hold.claim.id : undefined };
    const take = (current: Task) => {
      if (current.depends_on.join() !== task.depends_on.join())
        throw new RelayError("conflict", `Cannot claim "${shortId(task.id)}": it was just changed`, {
          next: "try again",
        });
      return taken(current, actorOf(context, options), lease, facts);
    };
    const next = await changed(context, task.id, () => updateTask(context, task.id, take));
    const mine = task.owner?.session_id === context.session ? task.owner.claim : undefined;
    if (hold && (hold.isForTask || Date.parse(hold.claim.expires_at) < context.now() + ttl_ms))
      await extend(context, hold.claim, ttl_ms);
    else if (!hold && mine !== undefined) await extend(context, { id: mine }, ttl_ms);
    if (hold && mine !== undefined && mine !== hold.claim.id) await giveBackById(context, mine);
    await logTask(context, "claimed", next, { token: next.owner?.token, ...takenFrom(task, context) });
    await notifyPreviousHolder(context, task, "took over", options);
    return await awaitServerVerdict(context, next);
  } catch (error) {
    if (hold?.isForTask && hold.claim.id !== task.owner?.claim) await giveBackById(context, hold.claim.id);
    throw error;
  }
}

/** The task as the server decides; tentative if it does not answer now. Throws `conflict` if another gets the task. */
async function awaitServerVerdict(context: Context, task: Task): Promise<Task> {
  if (!task.owner?.tentative) return task;
  const found = await whenDecided(context, async () => {
    const now = await readTask(context, task.id);
    return now?.owner?.tentative ? undefined : now;
  });
  if (found === undefined || found.owner?.session_id === context.session) return found ?? task;
  const owner = found.owner?.session_id;
  const who = owner === undefined ? "another" : (await callsOf(context, [owner]))(owner);
  throw new RelayError("conflict", `Cannot claim "${shortId(task.id)}": ${who} was first`, {
    next: "agent-relay task next",
  });
}

/** A claim on the files of a task. `isForTask`: it is given back with the task; false if the session had it before. */
interface FilesHold {
  readonly claim: Claim;
  readonly isForTask: boolean;
}

async function holdFiles(context: Context, task: Task): Promise<FilesHold> {
  const targets = targetsOf(context, task);
  const reason = beginning(`task: ${task.title}`, 100);
  const isOwnClaim = (claim: Claim) => claim.session_id === context.session && isSameTargets(claim, { targets });
  const isLeftByKill = (claim: Claim) => claim.ttl_ms === FILES_HOLD_MS && claim.reason === reason; // by a killed `takeTask`
  const had = (await claims(context)).find((claim) => isOwnClaim(claim) && !isLeftByKill(claim));
  const lease = had ? { ttlMs: had.ttl_ms } : { ttlMs: FILES_HOLD_MS, reason };
  const claim = await claimTargets(context, targets, lease, {
    again: "agent-relay task next --claim-files",
    ask: askCommand(filesOf(task).map((file) => typedFrom(file, whence(context)))),
  });
  return { claim, isForTask: claim.id !== had?.id || claim.id === task.owner?.claim };
}

function targetsOf(context: Context, task: Task): ClaimTarget[] {
  const { cwd, ...base } = whence(context);
  const root = worktreeOf(cwd)?.root ?? context.project;
  return filesOf(task).flatMap((file) => pathTargets(file, { ...base, cwd: root }));
}

/** Gives back another owner's claim on the files: a person who takes the task takes its files too. */
async function takeFilesAway(context: Context, { owner }: Task): Promise<void> {
  if (owner?.claim !== undefined && owner.session_id !== context.session) await giveBackById(context, owner.claim);
}

/** Renews the lease of every task of this session, and of the claim on its files. Returns the tasks. */
export async function renewTasks(context: Context): Promise<Task[]> {
  const renewed: Task[] = [];
  for await (const task of tasksOf(context, context.session)) {
    const facts = await factsOf(context, task);
    const ttl_ms = task.owner?.ttl_ms ?? LEASE_TTL_MS.default;
    renewed.push(
      await updateTask(context, task.id, (current) => taken(current, actorOf(context, {}), { ttl_ms }, facts)),
    );
    if (task.owner?.claim !== undefined) await extend(context, { id: task.owner.claim }, ttl_ms);
  }
  return renewed;
}
