import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { expect, onTestFinished } from "vitest";
import { framed, hereOnly, Story, tempDir } from "../support/cli.ts";
import { World } from "../support/http-relay.ts";
import { COMMAND } from "../support/paths.ts";

/** A server with a relay, and a machine that is let in. */
async function shop(): Promise<{ world: World; story: Story; there: (session: string) => Promise<Story> }> {
  const clock: { story?: Story } = {};
  const dir = tempDir();
  const world = await World.serve({ shop: `${dir}/.relay` }, () => clock.story?.now ?? 0, { operator: "olga" });
  const letIn = async (user: string) =>
    Object.assign(new Story(), { env: { AGENT_RELAY_TOKEN: await world.token("shop", user) } });
  clock.story = await letIn("bob");
  const there = async (user: string) => {
    const other = await letIn(user);
    other.env = { ...other.env, AGENT_RELAY_SERVER: `${world.origin}/shop` };
    return other;
  };
  return { world, story: clock.story, there };
}

hereOnly("a folder is mirrored once, tells how it stands, and is one of its own again", async () => {
  const { world, story, there } = await shop();
  const url = `${world.origin}/shop`;
  const eve = await there("eve");
  await eve.as("eve1", "register");
  await story.as("bob1", "register");
  expect(await story.as(undefined, "mirror", url, "--once")).toMatchObject({
    code: 0,
    out: `${story.cwd} and ${url} agree\n`,
  });
  await eve.as("eve1", "send", "--to", "bob1", "over there?");
  await story.as("bob1", "send", "--to", "eve1", "over here");
  await story.as(undefined, "mirror", "--once");
  expect(framed((await story.as("bob1", "inbox")).out)).toContain("over there?");
  expect(framed((await eve.as("eve1", "inbox")).out)).toContain("over here");

  const status = await story.as(undefined, "mirror", "--status");
  expect(status.out).toMatch(
    /is mirrored to .*\/shop: agreed 0s ago, no process mirrors now\nTry: agent-relay mirror\n$/,
  );
  story.now += 600_000;
  const claimed = await story.as("bob1", "claim", "src/a.ts");
  expect(claimed.out).toContain("tentative: the server that decides was not asked yet");
  expect((await story.as("bob1", "claims")).out).toContain("exclusive, tentative");
  const task = await story.json<{ id: string }>("bob1", "task", "add", "to do");
  expect((await story.as("bob1", "task", "claim", task.id)).out).toContain("(tentative: ");
  await story.as(undefined, "mirror", "--once");
  expect((await story.as("bob1", "claims")).out).not.toContain("tentative");
  expect((await eve.as("eve1", "claim", "src/a.ts")).code).toBe(4);

  expect((await story.as(undefined, "mirror", "--forget")).out).toContain("no more");
  expect((await story.json<unknown[]>("bob1", "agents")).length).toBe(1);
  expect((await story.as("bob1", "claim", "src/b.ts")).out).not.toContain("tentative");
  expect((await story.as(undefined, "mirror", "--status")).code).toBe(3);
});

hereOnly("what cannot be mirrored says why, and what to do next", async () => {
  const { world, story } = await shop();
  const says = async (...args: string[]) => {
    const { code, err } = await story.as(undefined, "mirror", ...args);
    return `${code} ${err}`;
  };
  expect(await says()).toMatch(/^2 Cannot mirror to nowhere.*\nTry: agent-relay mirror http/s);
  expect(await says("--once", "--status")).toMatch(/^2 Cannot do two/);
  expect(await says("--forget")).toMatch(/^3 Cannot forget the mirror/);
  expect(await says(`${world.origin}/none`, "--once")).toMatch(/^3 /);
  await story.as("bob1", "register");
  await story.as(undefined, "mirror", `${world.origin}/shop`, "--once");
  story.env = {};
  expect(await says("--once")).toMatch(/^6 Cannot use .*: you have not logged in there/);
  expect((await story.as("bob1", "send", "goes on")).code).toBe(0);
});

hereOnly(
  "a mirror that runs passes on what comes, keeps others from doing the same, and ends when it is asked to",
  async () => {
    const { world, story, there } = await shop();
    const url = `${world.origin}/shop`;
    story.now = Date.now();
    await story.as("bob1", "register");
    const eve = Object.assign(await there("eve"), { now: story.now });
    await eve.as("eve1", "register");
    const env = { PATH: process.env.PATH, HOME: path.dirname(story.cwd), XDG_STATE_HOME: story.state, ...story.env };
    const child = spawn(process.execPath, [COMMAND, "mirror", url], { cwd: story.cwd, env });
    onTestFinished(() => void child.kill("SIGKILL"));
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (said += data));
    await expect.poll(() => said).toContain("Both agree");
    expect((await story.as(undefined, "mirror", "--once")).err).toMatch(/Cannot mirror: process \d+ does already/);
    await eve.as("eve1", "send", "--to", "bob1", "while it runs");
    await expect.poll(async () => (await story.as("bob1", "unread")).out).toBe("1\n");
    expect((await story.as("bob1", "claim", "src/a.ts")).out).not.toContain("tentative");
    await world.end();
    const status = async () => (await story.as(undefined, "mirror", "--status")).out;
    await expect.poll(status).toMatch(/: agreed \S+ ago, cannot reach it now, process/);
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
    expect((await story.as(undefined, "mirror", "--status")).out).toContain("no process mirrors now");
  },
);

hereOnly("a name that the server has for another said sent, and nothing of it was passed on", async () => {
  const { world, story, there } = await shop();
  const eve = await there("eve");
  await eve.as("ann", "register"); // the person here is ann, too
  await story.as(undefined, "send", "hello");
  await story.as(undefined, "mirror", `${world.origin}/shop`, "--once");
  const status = await story.as(undefined, "mirror", "--status");
  expect(status.out).toContain("nothing of the session ann is passed on: the server has another of that id");
  expect((await story.as("x", "doctor")).out).toContain("nothing of the session ann is passed on");
  const told = await story.as("ann", "send", "is this heard?");
  expect(told.err).toContain(
    "note: this is not passed on: the server has another ann; see agent-relay mirror --status",
  );
  const [, machine = ""] = /\(bob\/(\S+)\)|bob\/(\S+)/.exec(status.out) ?? [];
  const own = await story.as(undefined, "whoami");
  expect(own.out, machine).toMatch(/^session {2}bob-\S+ /);
  expect((await story.as(undefined, "send", "now it is")).err).toBe("");
  await story.as(undefined, "mirror", "--once");
  expect((await eve.as("ann", "history")).out).toContain("now it is");
});
