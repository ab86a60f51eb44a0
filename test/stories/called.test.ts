import { expect, test } from "vitest";
import { Story } from "../support/cli.ts";

const IDS = /aaa-id|bbb-id|ccc-id/;

/** The verbs that tell which id a name stands for. */
const TELL_THE_ID = ["register", "unregister", "whoami", "agents", "show sessions"];

test("a peer had a name in some verbs, and an id in others", async () => {
  const story = new Story();
  const wrong: string[] = [];
  const ran = new Set<string>();
  const run = async (who: string, ...args: string[]) => {
    const { out, err } = await story.as(`${who}-id`, ...args);
    ran.add(args.slice(0, 2).join(" "));
    if (IDS.test(out + err) && !TELL_THE_ID.some((verb) => args.join(" ").startsWith(verb)))
      wrong.push(`${who} ${args.join(" ")}\n${out}${err}`);
    return out;
  };
  const idOf = async (who: string, ...args: string[]) => (await story.json<{ id: string }>(`${who}-id`, ...args)).id;
  for (const [who, name] of [
    ["aaa", "alpha"],
    ["bbb", "beta"],
    ["ccc", "gamma"],
  ] as const)
    await run(who, "register", "--name", name);
  const question = await idOf("aaa", "send", "--to", "beta", "--kind", "question", "which?");
  await run("aaa", "send", "--to", "beta", "hello");
  await run("aaa", "send", "all");
  await run("bbb", "inbox", "--peek");
  const soon = ["--timeout", "1ms"];
  await run("aaa", "wait", "--reply-to", question, ...soon);
  await run("aaa", "wait", "--ended", "beta", ...soon);
  await run("aaa", "wait", "--message", "--from", "beta", ...soon);
  const wait = await idOf("aaa", "wait", "--ended", "beta", "--subscribe");
  await run("aaa", "wait", "--list");
  await run("bbb", "wait", "--cancel", wait);
  await run("bbb", "claim", "src/a", "--reason", "why");
  for (const verb of [
    ["claim", "src/a"],
    ["check", "src/a"],
    ["claims"],
    ["release", "src/a"],
    ["claim", "src/a", "--wait", "1ms"],
  ])
    await run("aaa", ...verb);
  await run("aaa", "wait", "--released", "src/a", ...soon);
  const first = await idOf("bbb", "task", "add", "First");
  const second = await idOf("bbb", "task", "add", "Second", "--after", first);
  await run("bbb", "task", "claim", first);
  await run("bbb", "task", "note", first, "x");
  for (const verb of ["show", "claim", "done", "release", "cancel"]) await run("aaa", "task", verb, first);
  for (const verb of [
    ["list"],
    ["show", second],
    ["next"],
    ["edit", first, "--title", "no"],
    ["block", first, "--reason", "r"],
  ])
    await run("aaa", "task", ...verb);
  await run("aaa", "wait", "--task-done", first, ...soon);
  await run("bbb", "ack", question);
  await run("bbb", "reply", question, "answer");
  await run("bbb", "withdraw", question);
  await run("bbb", "decide", "tabs");
  await run("bbb", "status", "busy");
  await run("aaa", "release", "src/a", "--force");
  for (const verb of ["history", "activity", "decisions", "status", "agents", "whoami", "doctor", "conflicts"])
    await run("aaa", verb);
  for (const view of ["sessions", "mail", "claims", "tasks", "decisions", "timeline"]) await run("aaa", "show", view);
  for (const verb of [
    ["thread", question],
    ["read", question],
    ["explain", question],
    ["explain", first],
    ["explain", wait],
  ])
    await run("aaa", ...verb);
  await run("aaa", "status", "--compact");
  await run("aaa", "activity", "--at", "0s");
  await run("bbb", "task", "done", first);
  await run("bbb", "unregister");
  await run("aaa", "inbox");
  await run("aaa", "send", "--to", "beta", "late");
  await run("aaa", "task", "show", first);
  await run("bbb", "inbox");
  expect(wrong.join("\n")).toBe("");
  expect(ran.size).toBeGreaterThan(50);
});

test("in JSON a peer is its id, by which programs can go on", async () => {
  const story = new Story();
  await story.as("bbb-id", "register", "--name", "beta");
  await story.as("aaa-id", "register", "--name", "alpha");
  expect(await story.json("aaa-id", "send", "--to", "beta", "hi")).toMatchObject({
    recipients: [{ session_id: "bbb-id" }],
  });
  expect(await story.json("bbb-id", "inbox")).toMatchObject({ items: [{ message: { from_session: "aaa-id" } }] });
  expect(await story.json("bbb-id", "wait", "--ended", "alpha", "--subscribe")).toMatchObject({
    conditions: [{ session: "aaa-id" }],
  });
});
