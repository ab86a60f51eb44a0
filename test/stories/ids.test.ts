import { expect, test } from "vitest";
import { Story } from "../support/cli.ts";

/** A beginning and an end of an id that are unique, as somebody would copy them. */
const parts = (id: string) => [id.slice(0, -4), id.slice(-8)];

test("a message, a task and a wait were found by their whole ids, and by nothing else in some verbs", async () => {
  const story = new Story();
  await story.as("b", "register");
  const { id: message } = await story.json<{ id: string }>("a", "send", "--to", "b", "question", "--kind", "question");
  const { id: task } = await story.json<{ id: string }>("a", "task", "add", "A task");
  const { id: wait } = await story.json<{ id: string }>("a", "wait", "--reply-to", message, "--subscribe");
  const { id: decision } = await story.json<{ id: string }>("a", "decide", "tabs");
  const [claim] = await story
    .json<{ id: string }[]>("a", "claim", "src/a")
    .then((said) => Object(said).claims ?? [said]);
  for (const [id, verbs] of [
    [message, [["read"], ["thread"], ["explain"], ["ack"], ["wait", "--timeout", "1ms", "--reply-to"]]],
    [
      task,
      [["task", "show"], ["explain"], ["task", "note", "--text", "x"], ["wait", "--timeout", "1ms", "--task-done"]],
    ],
    [wait, [["wait", "--outcome"], ["explain"]]],
    [decision, [["explain"]]],
    [claim?.id ?? "", [["explain"]]],
  ] as const)
    for (const verb of verbs)
      for (const part of parts(id)) {
        const words = verb[1] === "note" ? ["task", "note", part, "text"] : [...verb, part];
        const { code, err } = await story.as(verb[0] === "ack" ? "b" : "a", ...words);
        expect([0, 5], `${words.join(" ")}: ${err}`).toContain(code);
      }
  const [begin = "", end = ""] = parts(task);
  expect((await story.as("a", "task", "claim", begin)).code).toBe(0);
  expect((await story.as("a", "task", "done", end)).code).toBe(0);
  expect((await story.as("a", "wait", "--cancel", parts(wait)[1] ?? "")).code).toBe(0);
  expect((await story.as("b", "reply", parts(message)[1] ?? "", "an answer")).code).toBe(0);
});

test("what one verb prints is what the next one takes, though it is no whole id", async () => {
  const story = new Story();
  await story.as("b", "register");
  const id = async (who: string, ...words: string[]) =>
    /(?<![0-9a-z-])[0-9a-z]{6}(?![0-9a-z-])/.exec((await story.as(who, ...words)).out.replace(/^\[.*\n/m, ""))?.[0] ??
    "";
  const sent = await id("a", "send", "--to", "b", "--kind", "question", "Which?");
  expect(await id("b", "inbox")).toBe(sent);
  expect((await story.as("b", "reply", sent, "that")).code).toBe(0);
  expect((await story.as("a", "inbox")).out).toContain(`answers ${sent}: that`);
  expect((await story.as("a", "thread", sent)).out).toContain(sent);
  const task = await id("a", "task", "add", "one");
  expect(task).toMatch(/\d|[a-z]/);
  expect((await story.as("a", "task", "claim", task)).code).toBe(0);
  expect((await story.as("a", "task", "done", task)).out).toBe(`Done: ${task}\n`);
  const wait = await id("a", "wait", "--ended", "b", "--subscribe");
  expect((await story.as("a", "wait", "--cancel", wait)).out).toContain(`${wait} cancelled`);
  const decided = (await story.as("a", "decide", "tabs")).out.slice("Decided ".length, -1);
  expect((await story.as("b", "decisions")).out).toContain(`${decided} `);
  expect((await story.as("a", "explain", decided)).code).toBe(0);
});

test("a part that fits several ids named none of them", async () => {
  const story = new Story();
  await story.as("b", "register");
  const sent = [];
  for (const text of ["one", "two"]) sent.push(await story.json<{ id: string }>("a", "send", "--to", "b", text));
  const tasks = [];
  for (const title of ["one", "two"]) tasks.push(await story.json<{ id: string }>("a", "task", "add", title));
  for (const [words, ids] of [
    [["read", "msg-"], sent],
    [["explain", "msg-"], sent],
    [["task", "show", "task-"], tasks],
    [["explain", "task-"], tasks],
  ] as const) {
    const { code, err } = await story.as("a", ...words);
    expect(code, words.join(" ")).toBe(2);
    for (const { id } of ids) expect(err).toContain(id);
  }
});
