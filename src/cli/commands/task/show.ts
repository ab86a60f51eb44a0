import { formatDuration } from "../../../duration.ts";
import { taskLine } from "../../../render/tasks.ts";
import { clean, cleanLine } from "../../../text.ts";
import { defineVerb } from "../../command.ts";

export const show = defineVerb({
  name: "show",
  about: "one task whole",
  example: 'agent-relay task show "parse headers"',
  words: { "<task>": "" },
  async run(cli, _, { task: word }) {
    const relay = await cli.open();
    const task = await relay.tasks.get(word);
    const names = await relay.agents.names([
      task.created_by,
      task.owner?.session_id,
      ...task.notes.map((one) => one.session_id),
    ]);
    const now = cli.now();
    const call = (session: string) => cleanLine(names.get(session) ?? session);
    const lines = [
      taskLine(task, await relay.tasks.standings([task]), names, relay.session, now),
      `added by ${call(task.created_by)} ${formatDuration(now - Date.parse(task.created_at))} ago, changed ${formatDuration(now - Date.parse(task.updated_at))} ago`,
      ...(task.description === undefined ? [] : [`  ${clean(task.description).replaceAll("\n", "\n  ")}`]),
      ...(task.reason === undefined || task.state === "blocked" ? [] : [`because: ${cleanLine(task.reason)}`]),
      ...(task.depends_on.length === 0 ? [] : [`depends on ${task.depends_on.join(" ")}`]),
      ...task.notes.map(
        (note) =>
          `note by ${call(note.session_id)} ${formatDuration(now - Date.parse(note.at))} ago: ${clean(note.text).replaceAll("\n", "\n  ")}`,
      ),
    ];
    await cli.say(
      task,
      cli.framed(
        lines.map((line) => `${line}\n`),
        "the task",
      ),
    );
  },
});
