import { formatLeft } from "../duration.ts";
import { shortId } from "../id.ts";
import type { Standings } from "../tasks/standings.ts";
import { filesOf, type Task } from "../tasks/task.ts";
import { cleanLine } from "../text.ts";
import type { SenderNames } from "./messages.ts";

/** Whose view of the board it is, what others are called, and when. */
interface TaskView {
  readonly all: Standings;
  readonly names: SenderNames;
  readonly me: string | undefined;
  readonly now: number;
}

/** One line: the id, where it stands, its priority unless it is 0, its files, and its title. */
export function taskLine(task: Task, all: Standings, names: SenderNames, me: string | undefined, now: number): string {
  const facts = [
    stateWords(task, { all, names, me, now }),
    ...(task.priority === 0 ? [] : [`priority ${task.priority}`]),
    ...(task.files.length === 0 ? [] : [`files ${fileWords(task)}`]),
  ];
  return `${shortId(task.id)} [${facts.join(", ")}] ${cleanLine(task.title)}`;
}

/** The rows of a table of tasks, its titles first. */
export function taskRows(tasks: readonly Task[], view: TaskView): string[][] {
  const rows = tasks.map((task) => [
    shortId(task.id),
    stateWords(task, view),
    task.priority === 0 ? "-" : String(task.priority),
    fileWords(task) || "-",
    cleanLine(task.title),
  ]);
  return [["TASK", "STATE", "PRIORITY", "FILES", "TITLE"], ...rows];
}

function fileWords(task: Task): string {
  return filesOf(task).map(cleanLine).join(" ");
}

function stateWords(task: Task, { all, names, me, now }: TaskView): string {
  const waitsFor = all.waits_for[task.id] ?? [];
  const lost = all.lost[task.id] ?? [];
  return [
    standing(task, all, names, me, now),
    ...(waitsFor.length === 0 ? [] : [`after ${waitsFor.map(shortId).join(" ")}`]),
    ...(lost.length === 0 ? [] : [`after ${lost.map(shortId).join(" ")}, WHOSE RECORD IS GONE`]),
  ].join(", ");
}

function standing(task: Task, all: Standings, names: SenderNames, me: string | undefined, now: number): string {
  const { owner, state, reason } = task;
  if (state === "blocked") return `blocked: ${cleanLine(reason ?? "")}`;
  if (state !== "in_progress" || !owner) return state;
  const who = owner.session_id === me ? "you" : cleanLine(names.get(owner.session_id) ?? owner.session_id);
  return all.abandoned.includes(task.id)
    ? `abandoned by ${who}`
    : `${who}, ${formatLeft(Date.parse(owner.expires_at) - now)} left`;
}
