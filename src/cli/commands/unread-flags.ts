import { Command } from "commander";
import { type Describe, verb } from "../verb.ts";
import { count } from "./unread.ts";

export const describe: Describe = (act) =>
  new Command("unread")
    .description("Count what waits for you. Marks nothing.")
    .option("-q, --quiet", "print nothing; exit with 0 if there is mail, 3 if there is none")
    .addHelpText("after", "\nExample: agent-relay unread --quiet && agent-relay inbox")
    .action((flags: { quiet?: boolean }) => act((cli) => count(cli, flags)));

export const run = verb(describe);
