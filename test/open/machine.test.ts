import fs from "node:fs";
import { expect, test } from "vitest";
import { Story, tempDir } from "../support/cli.ts";

/** Two projects of one user, with an agent in each, and one in a folder below. */
async function twoProjects() {
  const base = tempDir();
  const [one, two] = ["one", "two"].map((name) => {
    fs.mkdirSync(`${base}/${name}/.git`, { recursive: true });
    return new Story(`${base}/${name}`);
  });
  if (!one || !two) throw new Error("two projects");
  Object.assign(two, { state: one.state });
  await one.as("ann", "register");
  await two.as("bob", "register");
  await two.as("bob", "status", "parsing");
  fs.mkdirSync(`${base}/two/src`);
  const below = Object.assign(new Story(`${base}/two/src`), { state: one.state });
  await below.as("cay", "register");
  return { base, one, two, below };
}

test("who is here is told of this folder, of this project, or of every project that the user has used", async () => {
  const { base, one, two, below } = await twoProjects();
  const names = async (story: Story, scope: string) => {
    const all = await story.json<{ session_id: string }[]>("bob", "agents", "--scope", scope);
    return all.map(({ session_id }) => session_id).sort();
  };
  expect(await names(two, "repository")).toEqual(["bob", "cay"]);
  expect(await names(two, "directory")).toEqual(["bob"]);
  expect(await names(below, "directory")).toEqual(["cay"]);
  const everywhere = await one.as("ann", "agents", "--scope", "machine");
  expect(everywhere.out).toMatch(new RegExp(`ann\t.*${base}/one\n`));
  expect(everywhere.out).toMatch(new RegExp(`bob\t.*parsing\t${base}/two\n`));
});

test("a project that nobody here trusts is not shown, and one that cannot be read hides no other", async () => {
  const { base, one } = await twoProjects();
  const record = `${base}/two/.relay/relay.json`;
  fs.writeFileSync(record, fs.readFileSync(record, "utf8").replace(/"mark": "\w+"/, '"mark": "0"'));
  const { out } = await one.as("ann", "agents", "--scope", "machine");
  expect(out).toContain("ann");
  expect(out).not.toContain("parsing");
  fs.rmSync(`${base}/two/.relay/agents`, { recursive: true });
  fs.writeFileSync(`${base}/two/.relay/agents`, "no folder");
  expect((await one.as("ann", "agents", "--scope", "machine")).out).toContain("ann");
});

test("agents of another project were listed, and could not be written to", async () => {
  const { base, one, two } = await twoProjects();
  const sent = await one.as("ann", "send", "--to", "bob", "may I?");
  expect(sent.code, sent.err).toBe(0);
  expect(sent.out).toMatch(
    /sent to \S+ \(active, it sees this [^)]+\) in another project; answers come there: agent-relay inbox --dir \S+\n$/,
  );
  const relay = `${base}/two/.relay`;
  expect(sent.out).toContain(relay);
  const [first] = (await two.json<{ items: { message: { id: string } }[] }>("bob", "inbox")).items;
  await two.as("bob", "reply", first?.message.id ?? "", "you may");
  expect((await one.as("ann", "inbox", "--dir", relay)).out).toContain("you may");
  expect(await one.json("ann", "send", "--to", "bob", "thanks")).toMatchObject({ relay });
  const there = await two.json<{ session_id: string; agent_id: string }[]>("bob", "agents");
  expect(
    there.find(({ session_id }) => session_id === "claude-7"),
    "none yet",
  ).toBeUndefined();
  await one.as("claude-7", "send", "--to", "bob", "from an agent");
  expect(await two.json("bob", "agents")).toContainEqual(
    expect.objectContaining({ session_id: "claude-7", agent_id: "claude" }),
  );
  for (const word of ["bo", "nobody"]) expect((await one.as("ann", "send", "--to", word, "x")).code, word).toBe(3);
  expect((await one.as("ann", "send", "--dir", `${one.cwd}/.relay`, "--to", "bob", "x")).code, "this relay").toBe(3);
  await one.as("bob", "register");
  await one.as("ann", "send", "--to", "bob", "the one here");
  expect((await one.as("bob", "inbox")).out).toContain("the one here");
});

test("whom two other projects have is written to in neither", async () => {
  const { base, one, two } = await twoProjects();
  fs.mkdirSync(`${base}/three/.git`, { recursive: true });
  const three = Object.assign(new Story(`${base}/three`), { state: one.state });
  await three.as("bob", "register");
  expect((await one.as("ann", "send", "--to", "bob", "x")).code).toBe(3);
  expect((await two.as("bob", "inbox")).out).toBe("");
});
