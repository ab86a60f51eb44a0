import { parseDuration } from "../../duration.ts";
import { RelayError } from "../../errors.ts";
import { quoted } from "../../shell/quote.ts";
import { cleanLine } from "../../text.ts";
import { type Describe, verb } from "../command.ts";
import { untilInterrupted } from "../interrupt.ts";
import { bodyOf } from "../sending.ts";

interface Flags {
  readonly wait?: string;
  readonly newline: boolean;
  readonly reason?: string;
}

export const describe: Describe = ({ Command }, act) =>
  new Command("append")
    .description("Add text to the end of a file that many write, one at a time. Makes the file and its folders.")
    .argument("<file>", "the file, in your own worktree")
    .argument("[text...]", "the text; - or none reads it from stdin")
    .option("--wait <time>", "how long to wait in line for the file (default 30s)")
    .option("--no-newline", "add the text as it is, not as lines of its own")
    .option("--reason <text>", "why; those who want the file meanwhile are told")
    .addHelpText("after", '\nExample: agent-relay append docs/log.md "parser: new grammar"')
    .action((file: string, words: string[], flags: Flags) =>
      act(async (cli) => {
        const text = await bodyOf(cli, words.length === 0 ? ["-"] : words);
        if (text === "")
          throw new RelayError("usage", `Cannot append nothing to "${file}"`, {
            next: `agent-relay append ${quoted(file)} "your text"`,
          });
        const relay = await cli.open();
        return untilInterrupted(cli.io, async (signal) => {
          const appended = await relay.append(file, text, {
            raw: !flags.newline,
            ...(flags.wait !== undefined && { wait: parseDuration(flags.wait) }),
            ...(flags.reason !== undefined && { reason: flags.reason }),
            signal,
          });
          await cli.say(appended, `Appended ${appended.bytes} bytes to ${cleanLine(appended.path)}\n`);
        });
      }),
    );

export const run = verb(describe);
