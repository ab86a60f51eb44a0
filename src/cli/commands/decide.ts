import { type Describe, verb } from "../command.ts";
import { bodyOf } from "../sending.ts";

export const describe: Describe = ({ Command }, act) =>
  new Command("decide")
    .description("Write down a decision, which is never dropped, and tell everyone.")
    .argument("<text...>", "what was decided; - reads it from stdin")
    .addHelpText("after", '\nExample: agent-relay decide "We keep the old parser until 2.0"')
    .action((words: string[]) =>
      act(async (cli) => {
        const text = await bodyOf(cli, words);
        const decision = await (await cli.open()).decide(text);
        await cli.say(decision, `Decided ${decision.id}\n`);
      }),
    );

export const run = verb(describe);
