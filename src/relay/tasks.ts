import { checkOptions, type OptionNames } from "../limits.ts";
import { send } from "../messages/send.ts";
import type { TaskEdit } from "../tasks/edit.ts";
import type { EndedTask, TaskList, TaskListOptions } from "../tasks/lifecycle.ts";
import type { NextOptions } from "../tasks/next.ts";
import type { Standings } from "../tasks/standings.ts";
import type { TakeOptions } from "../tasks/take.ts";
import type { Task } from "../tasks/task.ts";
import type { Loss, MoveOptions, TaskFields, Telling } from "../tasks/update.ts";
import type { Acting } from "./acting.ts";
import { foundOr } from "./found.ts";
import { MOVE, NEXT, TAKE, TASK_EDIT, TASK_FIELDS, TASK_LIST } from "./options.ts";

// Each module is loaded on first use.
const load = {
  board: () => import("../tasks/lifecycle.ts"),
  steps: () => import("../tasks/update.ts"),
  next: () => import("../tasks/next.ts"),
  taking: () => import("../tasks/take.ts"),
  editing: () => import("../tasks/edit.ts"),
  standings: () => import("../tasks/standings.ts"),
};

const MAX_AHEAD_MS = 1000; // if the last age is farther ahead than this, the clock was set back

/**
 * The tasks of a project, as one session sees them: `relay.tasks`. The argument `task` is a task's id, the unique
 * beginning of one, or the title of an open task. Every method may throw `not_found`, `usage` for a word that several
 * tasks match, `conflict` for what the task's state does not allow, and `refused` for a task that another works on.
 */
export class Tasks {
  readonly #acting: Acting;
  #lastAge = 0;

  /** @internal */
  constructor(acting: Acting) {
    this.#acting = acting;
  }

  /** Adds a pending task. */
  async add(title: string, fields?: TaskFields): Promise<Task> {
    checkOptions("add a task", fields, TASK_FIELDS);
    const { addTask } = await load.board();
    const context = this.#acting.mine();
    const [now, next] = [context.now(), this.#lastAge + 1]; // tasks added within one ms keep their order
    this.#lastAge = next - now < MAX_AHEAD_MS ? Math.max(now, next) : now;
    return addTask(context, title, fields, this.#lastAge);
  }

  /** One task. */
  async get(task: string): Promise<Task> {
    return (await load.steps()).taskOf(this.#acting.mine(), task);
  }

  /** `get`, and undefined where there is none. */
  async find(task: string): Promise<Task | undefined> {
    return foundOr(this.get(task));
  }

  /** Tasks, the first to do first: by priority, then age. */
  async list(options?: TaskListOptions): Promise<TaskList> {
    checkOptions("list tasks", options, TASK_LIST);
    return (await load.board()).listTasks(this.#acting.mine(), options);
  }

  /** Which of these tasks are abandoned, and what the pending ones wait for. */
  async standings(tasks: readonly Task[]): Promise<Standings> {
    return (await load.standings()).standingsOf(this.#acting.mine(), tasks);
  }

  /** Takes a task under a lease, or renews it. With `claimFiles`, its files too, all or none. */
  async claim(task: string, options?: TakeOptions): Promise<Task> {
    return (await load.taking()).claimTask(this.#acting.mine(), task, this.#telling("claim", options, TAKE));
  }

  /**
   * Takes the first task that is ready, an abandoned one too; with `waitMs`, once there is one. Undefined if there is none
   * in time. Throws `conflict` if others hold the files of all of them.
   */
  async next(options: NextOptions = {}): Promise<Task | undefined> {
    const { nextTaskInTime } = await load.next();
    const telling = this.#telling("take", options, NEXT);
    return this.#acting.life.during(options.signal, (signal) =>
      nextTaskInTime(this.#acting.mine(), { ...telling, signal }),
    );
  }

  /** Ends this session's task as done. Returns also the tasks that became ready by it. */
  async done(task: string, options?: MoveOptions): Promise<EndedTask> {
    return (await load.board()).finishTask(this.#acting.mine(), task, this.#telling("done", options, MOVE));
  }

  /** Ends a task that will not be done. Its dependents do not wait for it any more. */
  async cancel(task: string, options?: MoveOptions): Promise<EndedTask> {
    return (await load.board()).cancelTask(this.#acting.mine(), task, this.#telling("cancel", options, MOVE));
  }

  /** Gives a task back, for others to take. */
  async release(task: string, options?: MoveOptions): Promise<Task> {
    return (await load.board()).releaseTask(this.#acting.mine(), task, this.#telling("release", options, MOVE));
  }

  /** Says that a task cannot go on, and why. */
  async block(task: string, reason: string, options?: MoveOptions): Promise<Task> {
    return (await load.board()).blockTask(this.#acting.mine(), task, reason, this.#telling("block", options, MOVE));
  }

  /** Lets a blocked task be taken again. */
  async unblock(task: string, options?: MoveOptions): Promise<Task> {
    return (await load.board()).unblockTask(this.#acting.mine(), task, this.#telling("unblock", options, MOVE));
  }

  /** Changes the fields of a task. Throws `conflict` for dependencies in a cycle. */
  async edit(task: string, edit: TaskEdit): Promise<Task> {
    return (await load.editing()).editTask(this.#acting.mine(), task, this.#telling("edit", edit, TASK_EDIT));
  }

  /** Writes a note to a task, for whoever works on it. */
  async note(task: string, note: string): Promise<Task> {
    return (await load.editing()).noteTask(this.#acting.mine(), task, note);
  }

  /** Renews the lease of every task of this session. Returns the tasks. */
  async renew(): Promise<Task[]> {
    return (await load.taking()).renewTasks(this.#acting.mine());
  }

  /** The options, checked, with a callback that sends a message to who loses its task, also to a session that has left. */
  #telling<Options extends object>(verb: string, options: Options | undefined, names: OptionNames<Options>) {
    checkOptions(`${verb} a task`, options, names);
    const tellLoser = ({ session_id: to, text }: Loss) =>
      send(this.#acting.mine(), text, { to, kind: "status", keep: true });
    return { ...(options as Options), tellLoser } satisfies Telling;
  }
}
