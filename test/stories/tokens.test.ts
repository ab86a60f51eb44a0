import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { expect, test } from "vitest";
import { quoted } from "../../src/shell/quote.ts";
import { Story } from "../support/cli.ts";

// What a model types and reads costs its user money. One job by two agents, from the first look to the last answer, as the
// skill tells them to do it; its tokens are counted as one vendor's models have them.

/** What was typed and read so far: a line of each in turn. */
class Job {
  readonly story = new Story();
  readonly lines: string[] = [];

  /** Runs a command, as somebody, and returns what it printed. */
  async types(who: string, ...words: string[]): Promise<string> {
    const { out, err } = await this.story.as(who, ...words);
    this.lines.push(`agent-relay ${words.map(quoted).join(" ")}\n`, out + err);
    return out;
  }

  /** The same; returns the id of what its first line names. */
  async names(who: string, ...words: string[]): Promise<string> {
    const out = await this.types(who, ...words);
    return /^(?:Added |Yours [^:]*: )?([0-9a-z]{6})\b/m.exec(out)?.[1] ?? "";
  }

  get typed(): number {
    return countTokens(this.lines.filter((_, index) => index % 2 === 0).join(""));
  }

  get read(): number {
    return countTokens(this.lines.filter((_, index) => index % 2 === 1).join(""));
  }
}

async function job(): Promise<Job> {
  const made = new Job();
  await made.types("claude-1", "status", "on the parser");
  await made.types("codex-1", "status", "--compact");
  await made.types("claude-1", "claim", "src/parser", "--reason", "new grammar");
  await made.types("codex-1", "claim", "src/parser/lexer.ts", "--reason", "faster");
  await made.types("codex-1", "send", "--claim", "src/parser/lexer.ts", "May I?");
  const asked = await made.names("claude-1", "inbox");
  await made.types("claude-1", "reply", asked, "In a minute; first a task for you");
  await made.types("claude-1", "task", "add", "Write the tests of the lexer", "--file", "test/lexer.test.ts");
  await made.types("claude-1", "release", "src/parser");
  await made.types("codex-1", "inbox");
  await made.types("codex-1", "claim", "src/parser/lexer.ts");
  await made.types("codex-1", "task", "next", "--claim-files");
  await made.types("codex-1", "task", "done");
  const question = await made.names("codex-1", "send", "--to", "claude-1", "--kind", "question", "Which branch?");
  const answered = await made.names("claude-1", "inbox");
  await made.types("claude-1", "reply", answered, "main");
  await made.types("codex-1", "wait", "--reply-to", question, "--timeout", "90s");
  await made.types("codex-1", "release", "src/parser/lexer.ts");
  return made;
}

test("a job by two agents takes 18 commands, at most 230 tokens to type and 720 to read", async () => {
  const { lines, typed, read } = await job();
  expect(lines).toHaveLength(2 * 18);
  expect(typed).toBeLessThanOrEqual(230);
  expect(read).toBeLessThanOrEqual(720);
});
