import fs from "node:fs";
import { expect, test } from "vitest";
import { shortId } from "../../src/id.ts";
import { hereOnly, Story } from "../support/cli.ts";

/** A message from `a` to `b` whose file was cut to 100 bytes, and its whole text. */
async function cutMessage(...options: string[]) {
  const story = new Story();
  for (const session of ["a", "b"]) await story.as(session, "register", "--name", `${session}1`);
  const { id } = await story.json<{ id: string }>("a", "send", "--to", "b", "which port?", ...options);
  const file = `${story.cwd}/.relay/messages/${id}.json`;
  const whole = fs.readFileSync(file, "utf8");
  fs.writeFileSync(file, whole.slice(0, 100));
  const aMinuteAgo = Date.now() / 1000 - 60;
  fs.utimesSync(file, aMinuteAgo, aMinuteAgo); // it is not just being written
  return { story, id, file, whole };
}

hereOnly("a broken message vanished: its reader was told that there is none, and its sender nothing", async () => {
  const { story, id } = await cutMessage();
  const read = await story.as("b", "inbox");
  expect(read.err).toContain(
    `A message to you cannot be read, ${id}; who sent it is told, if that can still be seen: agent-relay quarantine list`,
  );
  expect(read.err).not.toContain("No unread messages");
  expect(await story.json("b", "inbox")).toMatchObject({ items: [], broken: [id] });
  expect((await story.as("a", "inbox")).out).toContain(`Your message ${id} could not be read`);
  await story.as("b", "inbox");
  expect((await story.as("a", "inbox")).err, "told once").toBe("No unread messages\n");
  expect(await story.as("a", "read", id)).toMatchObject({
    code: 1,
    err: expect.stringContaining("agent-relay quarantine list"),
  });
  const explained = await story.as("a", "explain", id);
  expect(explained).toMatchObject({
    code: 0,
    out: expect.stringContaining(`${id} could not be read (it is not JSON)`),
  });
  const listed = await story.as("b", "quarantine", "list");
  expect(listed.out).toMatch(new RegExp(`^messages/${id}: it is not JSON, set aside 0s ago as /.*quarantine/`, "m"));
  expect((await story.as("b", "doctor")).out).toContain("agent-relay quarantine list");
});

hereOnly("a broken message was taken for answered: the deadline of its sender never came", async () => {
  const { story, id } = await cutMessage("--ack", "--deadline", "10m");
  await story.as("b", "inbox");
  await story.as("a", "inbox");
  story.now += 11 * 60_000;
  await story.as("b", "unread");
  expect((await story.as("a", "inbox")).out).toContain(`You waited for b1 to deal with ${id}`);
});

hereOnly("a message that was put back whole stayed unseen", async () => {
  const { story, id, file, whole } = await cutMessage();
  expect(await story.as("b", "inbox")).toMatchObject({ out: "" });
  fs.writeFileSync(file, whole);
  expect((await story.as("b", "inbox")).out).toContain(`${shortId(id)} a1 (human) to you, 0s ago: which port?`);
  expect((await story.as("b", "inbox")).err).toBe("No unread messages\n");
});

hereOnly("what was mended where it was set aside comes back by retry, to its readers, and on the board", async () => {
  const { story, id, whole } = await cutMessage();
  const { id: task } = await story.json<{ id: string }>("a", "task", "add", "Parse");
  const record = `${story.cwd}/.relay/tasks/${task}.json`;
  const taskWhole = fs.readFileSync(record, "utf8");
  fs.writeFileSync(record, "{}");
  await story.as("b", "inbox");
  expect((await story.as("a", "task", "list")).out).not.toContain(task);
  const nothing = await story.as("b", "quarantine", "retry", id);
  expect(nothing).toMatchObject({ code: 3, out: `messages/${id} still cannot be read\n` });
  const all = await story.json<{ key: string; file: string }[]>("b", "quarantine", "list");
  for (const { key, file } of all) fs.writeFileSync(file, key.startsWith("tasks/") ? taskWhole : whole);
  expect(await story.as("b", "quarantine", "retry")).toMatchObject({
    code: 0,
    out: expect.stringContaining(`messages/${id} is back where it was\n`),
  });
  expect((await story.as("b", "inbox")).out).toContain("which port?");
  expect((await story.as("a", "task", "list")).out).toContain(shortId(task));
  expect(await story.as("b", "quarantine")).toMatchObject({ code: 0, out: "", err: "Nothing was set aside\n" });
  expect((await story.as("b", "doctor")).out).toContain("quarantine: ok");
});

hereOnly("what has another in its place is not put back over it", async () => {
  const { story, id, file, whole } = await cutMessage();
  await story.as("b", "inbox");
  fs.writeFileSync(file, whole.replace("which port?", "the new one"));
  const [{ file: aside } = { file: "" }] = await story.json<{ file: string }[]>("b", "quarantine", "list");
  fs.writeFileSync(aside, whole);
  expect(await story.as("b", "quarantine", "retry", id)).toMatchObject({
    code: 3,
    out: `messages/${id} stays set aside: another record stands in its place\n`,
  });
  expect((await story.as("b", "inbox")).out).toContain("the new one");
  expect((await story.as("b", "quarantine", "retry", "nothing-like-it")).code).toBe(3);
});

test("over a server, what was set aside is looked at where the server runs", async () => {
  const story = new Story();
  await story.as("a", "send", "hello");
  const { code, err } = await story.as("a", "quarantine");
  expect([code, err]).toEqual(
    process.env.RELAY_STORIES === "over HTTP"
      ? [6, expect.stringContaining("run it where the server runs")]
      : [0, "Nothing was set aside\n"],
  );
});

hereOnly("retry said of JSON of the wrong shape that it is back, and it was set aside again", async () => {
  const { story, id, whole } = await cutMessage();
  await story.as("b", "inbox");
  const [{ file: aside } = { file: "" }] = await story.json<{ file: string }[]>("b", "quarantine", "list");
  fs.writeFileSync(aside, whole.replace('"which port?"', "42"));
  expect(await story.as("b", "quarantine", "retry", id)).toMatchObject({
    code: 3,
    out: `messages/${id} still cannot be read\n`,
  });
});

hereOnly("of several broken messages one was named, and the others were taken off the list for good", async () => {
  const story = new Story();
  for (const session of ["a", "b"]) await story.as(session, "register", "--name", `${session}1`);
  const ids: string[] = [];
  for (const text of ["one", "two", "three", "four"])
    ids.push((await story.json<{ id: string }>("a", "send", "--to", "b", text)).id);
  const files = ids.map((id) => `${story.cwd}/.relay/messages/${id}.json`);
  const whole = files.map((file) => fs.readFileSync(file, "utf8"));
  for (const file of files.slice(0, 3)) fs.truncateSync(file, 100);
  const { out, err } = await story.as("b", "inbox");
  expect(out).toContain(": four\n");
  for (const id of ids.slice(0, 3)) expect(err).toContain(`A message to you cannot be read, ${id}; `);
  expect(await story.json("b", "inbox")).toMatchObject({ items: [], broken: ids.slice(0, 3) });
  for (const [index, file] of files.entries()) fs.writeFileSync(file, whole[index] ?? "");
  const again = await story.as("b", "inbox");
  for (const text of ["one", "two", "three"]) expect(again.out).toContain(`: ${text}\n`);
});

hereOnly("who was told to send a message again was not told that it came back", async () => {
  const { story, id, file, whole } = await cutMessage();
  await story.as("b", "inbox");
  expect((await story.as("a", "inbox")).out).toContain(`Your message ${id} could not be read`);
  const aside = fs.readdirSync(`${story.cwd}/.relay/quarantine`).find((name) => name.endsWith(".json"));
  fs.writeFileSync(`${story.cwd}/.relay/quarantine/${aside}`, whole);
  expect((await story.as("b", "quarantine", "retry")).code).toBe(0);
  expect(fs.existsSync(file)).toBe(true);
  expect((await story.as("a", "inbox")).out).toContain(`Your message ${id} can be read again`);
});

hereOnly("a task whose record was broken had never been, for who made it and who worked on it", async () => {
  const story = new Story();
  for (const session of ["a", "b"]) await story.as(session, "register");
  const { id } = await story.json<{ id: string }>("a", "task", "add", "job");
  await story.as("b", "task", "claim", id);
  fs.writeFileSync(`${story.cwd}/.relay/tasks/${id}.json`, "{}");
  await story.as("a", "task", "list");
  await story.as("b", "task", "list");
  for (const session of ["a", "b"]) {
    const { out } = await story.as(session, "inbox");
    expect(out.match(new RegExp(`The record of ${id} could not be read`, "g")), session).toHaveLength(1);
  }
  expect(await story.as("b", "task", "done", id)).toMatchObject({
    code: 1,
    err: expect.stringContaining("its record is broken, and was set aside"),
  });
});

hereOnly("mail for a name whose registration was broken went to who has that name in another project", async () => {
  const [story, other] = [new Story(), new Story()];
  for (const each of [story, other]) each.env = { XDG_STATE_HOME: story.state };
  for (const session of ["a", "b"]) await story.as(session, "register", "--name", `${session}1`);
  await other.as("o", "register", "--name", "b1");
  fs.writeFileSync(`${story.cwd}/.relay/agents/b.json`, '{"sess');
  expect(await story.as("a", "send", "--to", "b1", "a secret of here")).toMatchObject({ code: 0 });
  expect((await other.as("o", "inbox")).out).toBe("");
  await story.as("b", "register");
  expect((await story.as("b", "inbox")).out).toContain("a secret of here");
});

hereOnly("a message whose file held another one's record was taken off the list without a word", async () => {
  const story = new Story();
  for (const session of ["a", "b", "c"]) await story.as(session, "register");
  const { id } = await story.json<{ id: string }>("a", "send", "--to", "b", "for b");
  const { id: other } = await story.json<{ id: string }>("a", "send", "--to", "c", "a secret for c");
  const file = (each: string) => `${story.cwd}/.relay/messages/${each}.json`;
  fs.copyFileSync(file(other), file(id));
  const { out, err } = await story.as("b", "inbox");
  expect(out).not.toContain("secret");
  expect(err).toContain(`A message to you cannot be read, ${id}; `);
  expect((await story.as("c", "inbox")).out).toContain("a secret for c");
});
