import { formatLeft } from "../duration.ts";
import type { Standings } from "../tasks/standings.ts";
import { filesOf, type Task } from "../tasks/task.ts";
import { cleanLine } from "../text.ts";
import type { SenderNames } from "./messages.ts";

/** One line: the id, where it stands, its priority unless it is 0, and its title. */
export function taskLine(task: Task, all: Standings, names: SenderNames, me: string | undefined, now: number): string {
  const waitsFor = all.waits_for[task.id] ?? [];
  const lost = all.lost[task.id] ?? [];
  const facts = [
    standing(task, all, names, me, now),
    ...(task.priority === 0 ? [] : [`priority ${task.priority}`]),
    ...(waitsFor.length === 0 ? [] : [`after ${waitsFor.join(" ")}`]),
    ...(lost.length === 0 ? [] : [`after ${lost.join(" ")}, WHOSE RECORD IS GONE`]),
    ...(task.files.length === 0 ? [] : [`files ${filesOf(task).map(cleanLine).join(" ")}`]),
  ];
  return `${task.id} [${facts.join(", ")}] ${cleanLine(task.title)}`;
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
