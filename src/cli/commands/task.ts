import { defineVerb } from "../command.ts";
import { add } from "./task/add.ts";
import { block, unblock } from "./task/block.ts";
import { claim, next } from "./task/claim.ts";
import { cancel, done } from "./task/done.ts";
import { edit } from "./task/edit.ts";
import { list } from "./task/list.ts";
import { note } from "./task/note.ts";
import { release } from "./task/release.ts";
import { show } from "./task/show.ts";

export const verb = defineVerb({
  name: "task",
  about: "Share work: put tasks on a board, take the best one, say when it is done.",
  example: 'agent-relay task add "Parse headers" && agent-relay task next',
  parts: [add, list, show, claim, next, done, cancel, release, block, unblock, edit, note],
});
