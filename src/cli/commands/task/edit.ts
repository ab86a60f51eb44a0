import { shortId } from "../../../id.ts";
import { defineVerb } from "../../command.ts";
import { FIELDS, openFor, priorityOf } from "./shared.ts";

export const edit = defineVerb({
  name: "edit",
  about: "change what a task says",
  example: 'agent-relay task edit "parse headers" --priority 5',
  words: { "<task>": "" },
  flags: {
    ...FIELDS,
    "--title <title>": "another title",
    "--no-file": "it is about no file any more",
    "--no-after": "it waits for nothing any more",
    "--force": "although another works on it; for people",
  },
  async run(cli, { title, description, file, noFile, priority, after, noAfter, force }, { task }) {
    const relay = await openFor(cli, force, "edit another's task");
    const edited = await relay.tasks.edit(task, {
      title,
      description,
      files: noFile ? [] : file,
      priority: priorityOf(priority),
      dependsOn: noAfter ? [] : after,
      force,
    });
    await cli.say(edited, `Edited ${shortId(edited.id)}\n`);
  },
});
