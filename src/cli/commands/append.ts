import { durationOf } from "../../duration.ts";
import { RelayError } from "../../errors.ts";
import { quoted } from "../../shell/quote.ts";
import { cleanLine } from "../../text.ts";
import { defineVerb } from "../command.ts";
import { untilInterrupted } from "../interrupt.ts";
import { bodyOf } from "../sending.ts";

export const verb = defineVerb({
  name: "append",
  about: "Add text to the end of a file that many write, one at a time. Makes the file and its folders.",
  words: { "<file>": "the file, in your own worktree", "[text...]": "the text; - or none reads it from stdin" },
  flags: {
    "--wait <time>": "how long to wait in line for the file (default 30s)",
    "--no-newline": "add the text as it is, not as lines of its own",
    "--reason <text>": "why; those who want the file meanwhile are told",
  },
  example: 'agent-relay append docs/log.md "parser: new grammar"',
  async run(cli, flags, { file, text: words }) {
    const text = await bodyOf(cli, words.length === 0 ? ["-"] : words);
    if (text === "")
      throw new RelayError("usage", `Cannot append nothing to "${file}"`, {
        next: `agent-relay append ${quoted(file)} "your text"`,
      });
    const relay = await cli.open();
    return untilInterrupted(cli.io, async (signal) => {
      const appended = await relay.claims.append(file, text, {
        raw: flags.noNewline,
        waitMs: durationOf(flags.wait),
        reason: flags.reason,
        signal,
      });
      await cli.say(appended, `Appended ${appended.bytes} bytes to ${cleanLine(appended.path)}\n`);
    });
  },
});
