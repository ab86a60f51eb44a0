import fs from "node:fs";
import path from "node:path";
import { isOver, Task } from "../tasks/task.ts";
import type { DoctorTarget, Finding } from "./finding.ts";
import { readable } from "./readable.ts";

/** Open tasks that come after one whose record is gone: it was set aside, or its file was removed. gc keeps such records. */
export function lostPrerequisites({ dir }: DoctorTarget): Finding[] {
  const folder = path.join(dir, "tasks");
  const ids = fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => /^task-.*\.json$/.test(name)) : [];
  const there = new Set(ids.map((name) => name.slice(0, -".json".length)));
  return [...there].flatMap((id) => {
    const task = readable(path.join(folder, `${id}.json`), Task, id);
    if (!task || isOver(task)) return [];
    return task.depends_on
      .filter((needed) => !there.has(needed))
      .map((needed) => ({
        what: `the task ${id} comes after ${needed}, whose record is gone`,
        next: `look whether that was done, then: agent-relay task show ${id}`,
      }));
  });
}
