import type { Context } from "./context.ts";
import { send } from "./messages/send.ts";
import type { TaskEdit } from "./tasks/edit.ts";
import type { EndedTask, TaskList, TaskListOptions } from "./tasks/lifecycle.ts";
import type { Standings } from "./tasks/standings.ts";
import type { TakeOptions } from "./tasks/take.ts";
import type { Task } from "./tasks/task.ts";
import type { Loss, MoveOptions, TaskFields, Telling } from "./tasks/update.ts";

// Loaded when they are used.
const load = {
  board: () => import("./tasks/lifecycle.ts"),
  steps: () => import("./tasks/update.ts"),
  taking: () => import("./tasks/take.ts"),
  editing: () => import("./tasks/edit.ts"),
  standings: () => import("./tasks/standings.ts"),
};

const MAX_AHEAD_MS = 1000; // ms; what is farther ahead is a clock that was set back

/**
 * The tasks of a project, as one session sees them: `relay.tasks`. A task is meant by its id, the unique beginning of it,
 * or the title of an open one. Every method may throw `not_found`, `usage` for one that is not clear, `conflict` for what
 * its state does not allow, and `refused` for what another works on.
 */
export class Tasks {
  readonly #context: () => Context;
  #lastAge = 0;

  constructor(context: () => Context) {
    this.#context = context;
  }

  /** Puts a task on the board. */
  async add(title: string, fields?: TaskFields): Promise<Task> {
    const { addTask } = await load.board();
    const context = this.#context();
    const [now, next] = [context.now(), this.#lastAge + 1]; // several within one ms come in the order in which they were added
    this.#lastAge = next - now < MAX_AHEAD_MS ? Math.max(now, next) : now;
    return addTask(context, title, fields, this.#lastAge);
  }

  /** One task. */
  async get(task: string): Promise<Task> {
    return (await load.steps()).taskOf(this.#context(), task);
  }

  /** Tasks, the first to do first: by priority, then age. */
  async list(options?: TaskListOptions): Promise<TaskList> {
    return (await load.board()).listTasks(this.#context(), options);
  }

  /** Which of some tasks are abandoned, and what the pending ones wait for. */
  async standings(tasks: readonly Task[]): Promise<Standings> {
    return (await load.standings()).standingsOf(this.#context(), tasks);
  }

  /** Takes a task under a lease, or renews it. With `claimFiles`, its files too, all or none. */
  async claim(task: string, options?: TakeOptions): Promise<Task> {
    return (await load.taking()).claimTask(this.#context(), task, this.#telling(options));
  }

  /** Takes the best task that is ready; work that its owner left lying counts. Undefined if there is none. */
  async next(options?: TakeOptions): Promise<Task | undefined> {
    return (await load.taking()).nextTask(this.#context(), this.#telling(options));
  }

  /** Says that this session's task is done. Tells which tasks became ready by it. */
  async done(task: string, options?: MoveOptions): Promise<EndedTask> {
    return (await load.board()).finishTask(this.#context(), task, this.#telling(options));
  }

  /** Says that a task will not be done. Those that depend on it do not wait for it any more. */
  async cancel(task: string, options?: MoveOptions): Promise<EndedTask> {
    return (await load.board()).cancelTask(this.#context(), task, this.#telling(options));
  }

  /** Gives a task back, for others to take. */
  async release(task: string, options?: MoveOptions): Promise<Task> {
    return (await load.board()).releaseTask(this.#context(), task, this.#telling(options));
  }

  /** Says that a task cannot go on, and why. */
  async block(task: string, reason: string, options?: MoveOptions): Promise<Task> {
    return (await load.board()).blockTask(this.#context(), task, reason, this.#telling(options));
  }

  /** Lets a blocked task be taken again. */
  async unblock(task: string, options?: MoveOptions): Promise<Task> {
    return (await load.board()).unblockTask(this.#context(), task, this.#telling(options));
  }

  /** Changes what a task says. Throws `conflict` for dependencies in a circle. */
  async edit(task: string, edit: TaskEdit): Promise<Task> {
    return (await load.editing()).editTask(this.#context(), task, this.#telling(edit));
  }

  /** Writes a note to a task, for whoever works on it. */
  async note(task: string, note: string): Promise<Task> {
    return (await load.editing()).noteTask(this.#context(), task, note);
  }

  /** Lets every task of this session be believed for its whole time again. Returns them. */
  async renew(): Promise<Task[]> {
    return (await load.taking()).renewTasks(this.#context());
  }

  /** Whoever loses a task by it is told, also one that has left. */
  #telling<Options>(options: Options | undefined): Options & Telling {
    const tellLoser = ({ session_id: to, text }: Loss) =>
      send(this.#context(), text, { to, kind: "status", keep: true });
    return { ...(options as Options), tellLoser };
  }
}
