import { type Describe, verb } from "../command.ts";
import { bodyOf } from "../sending.ts";

export const describe: Describe = ({ Command }, act) =>
  new Command("log")
    .description("Write a note to the log of what happened; nobody is told.")
    .argument("<text...>", "the note; - reads it from stdin")
    .option("--file <path>", "the file that it is about")
    .addHelpText("after", '\nExample: agent-relay log "tests pass again" --file src/parser.ts')
    .action((words: string[], flags: { file?: string }) =>
      act(async (cli) => {
        const text = await bodyOf(cli, words);
        await (await cli.open()).log(text, flags.file);
        await cli.say({ logged: text }, "Logged\n");
      }),
    );

export const run = verb(describe);
