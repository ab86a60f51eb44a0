import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { Relay } from "../../src/relay.ts";
import type { Dump } from "../../src/upkeep/dump.ts";
import { SECTIONS } from "../../src/upkeep/markdown.ts";
import { Story, tempDir } from "../support/cli.ts";
import { textIn, treeOf } from "../support/folder-tree.ts";

const SECRET = "canary7secret"; // stands in all that has to go
const PUBLIC = "canary7public"; // stands in what may stay

/** A relay in which every field that anyone can write to holds a word that is looked for. */
async function told(): Promise<Story> {
  const story = new Story();
  const outside = `/home/${SECRET}/x`;
  const relay = (session: string, agent: string, cwd: string) =>
    new Relay(`${story.cwd}/.relay`, { session, agent, cwd, durability: "process", now: () => story.now });
  const metadata = { [SECRET]: SECRET, deep: [{ [`a ${SECRET}`]: outside }] };
  const ann = relay(`${SECRET}-ann`, "human", `${story.cwd}/src/${PUBLIC}`);
  const bot = relay(`bot-${PUBLIC}`, "claude", `/${SECRET}`);
  await ann.agents.register({ name: `${SECRET}.ann`, metadata });
  await bot.agents.register({ metadata });
  await bot.send(`see ${outside} ${SECRET}`);
  const asked = await ann.send(`why ${SECRET}?\nhere: ${SECRET}`, { to: `bot-${PUBLIC}`, kind: "question" });
  await bot.inbox();
  await bot.reply(asked.messages[0]?.id ?? "", SECRET);
  await ann.inbox();
  await bot.agents.setStatus(SECRET);
  await bot.decisions.add(SECRET);
  await ann.activity.note(SECRET, { file: `${outside}/file.ts` });
  await bot.claim(
    [`${outside}/one file.ts`, `../${SECRET}/two.ts`, `${story.cwd}-${SECRET}/three`, `${story.cwd}/src/${PUBLIC}`],
    {
      reason: SECRET,
      cwd: story.cwd,
    },
  );
  await ann.tasks.add(SECRET, { description: SECRET, files: [`${outside}/a.ts`, `${story.cwd}/${PUBLIC}.ts`] });
  await bot.tasks.claim(SECRET);
  await bot.tasks.note(SECRET, SECRET);
  await bot.tasks.block(SECRET, SECRET);
  await ann.waits.subscribe({ released: [`/srv/${SECRET}`, `${outside}/one file.ts`] });
  await ann.waits.subscribe({ ended: [`bot-${PUBLIC}`] });
  const gone = relay(`${SECRET}-old`, "human", outside);
  await gone.send(SECRET);
  await gone.agents.unregister();
  fs.rmSync(`${story.cwd}/.relay/archive/agents/${SECRET}-old.json`);
  return story;
}

describe("an export", () => {
  test("holds everything, as JSON that parses and as one Markdown file for each view, for this user's eyes only", async () => {
    const story = await told();
    const { folder, files } = JSON.parse((await story.as(undefined, "export", "--to", "out", "--json")).out);
    expect(folder).toBe(`${story.cwd}/out`);
    expect(files).toEqual(["relay.json", ...SECTIONS.map((section) => `${section}.md`)]);
    expect(fs.readdirSync(folder).sort()).toEqual([...files].sort());
    for (const [name, mode] of treeOf(folder)) expect(mode & 0o077, name).toBe(0);
    const dump: Dump = JSON.parse(fs.readFileSync(`${folder}/relay.json`, "utf8"));
    expect(dump.messages.map(({ content }) => content)).toContain(`why ${SECRET}?\nhere: ${SECRET}`);
    for (const [what, count] of Object.entries({ agents: 2, messages: 5, decisions: 1, tasks: 1, waits: 2 }))
      expect(dump[what as "agents"], what).toHaveLength(count);
    expect(dump.claims.claims).toHaveLength(1);
    expect(dump.activity.length).toBeGreaterThan(8);
  });

  test("of a relay that is not there, or is empty, is one of nothing, and makes no relay", async () => {
    const story = new Story();
    expect(await story.as("a", "export")).toMatchObject({ code: 0 });
    expect(fs.readdirSync(story.cwd)).toEqual(["relay-export"]);
    expect(fs.readFileSync(`${story.cwd}/relay-export/mail.md`, "utf8")).toBe("# Mail\n\nNone.\n");
  });

  test("into the relay itself is refused, and changes nothing there", async () => {
    const story = new Story();
    await story.as("a", "send", "hello");
    const before = treeOf(`${story.cwd}/.relay`);
    for (const to of [".relay", ".relay/out", "x/../.relay"])
      expect(await story.as("a", "export", "--to", to)).toMatchObject({ code: 2, out: "" });
    expect(treeOf(`${story.cwd}/.relay`)).toEqual(before);
  });

  test("to where nothing can be written says so", async () => {
    const story = new Story();
    fs.writeFileSync(`${story.cwd}/file`, "");
    const { code, err } = await story.as("a", "export", "--to", "file");
    expect(code).toBe(2);
    expect(err).toContain('Cannot export to "file": it is no folder\nTry: ');
  });
});

describe("Markdown", () => {
  const HOSTILE = [
    "line\n# Heading\n- [x] item\n```js\nfence\n```\n~~~\n",
    "</details><script>alert(1)</script><!-- ",
    "`code` ``two`` **bold** _em_ [link](javascript:x) ![i](x) | a | b |",
    "\u2028# separated\u2029- x\r\r# cr\u0085\u001b]0;owned\u0007\u202e",
    "\\",
  ];

  test.each(["show", "export"])("that %s makes cannot be broken out of by what was written", async (verb) => {
    const story = new Story();
    const dir = `${story.cwd}/.relay`;
    await story.as("a", "register");
    const agent = JSON.parse(fs.readFileSync(`${dir}/agents/a.json`, "utf8"));
    for (const [index, text] of HOSTILE.entries()) {
      await story.as("a", "send", "--", text);
      await story.as("a", "decide", "--", text);
      await story.as("a", "task", "add", "--", `t ${text.replace(/[\r\n\u2028\u2029]/g, " ")}`);
      await story.as("a", "log", "--", text);
      fs.writeFileSync(
        `${dir}/agents/h${index}.json`,
        JSON.stringify({ ...agent, session_id: `h${index}`, name: text, status: text, agent_id: text }),
      );
      const day = new Date(story.now).toISOString();
      const line = { at: day, session: text, agent: text, event: text, id: text };
      fs.appendFileSync(`${dir}/activity/${day.slice(0, 10)}.jsonl`, `${JSON.stringify(line)}\n`);
    }
    expect((await story.as("a", "claim", "x (y) <b> `c` # | _d_\n# e")).code).toBe(0);
    await story.as("a", "export", "--to", "out");
    for (const section of SECTIONS) {
      const { markdown } = await story.json<{ markdown: string }>("a", "show", section);
      const text = verb === "show" ? markdown : fs.readFileSync(`${story.cwd}/out/${section}.md`, "utf8");
      const [title, blank, ...lines] = text.trimEnd().split("\n");
      expect([title?.toLowerCase(), blank]).toEqual([`# ${section}`, ""]);
      const plain = lines.map((each) =>
        each.replace(/^- (\[[ x]\] )?/, "- ").replace(/^(- \S+ \S+) \[[a-z-]+\]/, "$1"),
      );
      for (const each of plain) expect(each).toMatch(/^- (\\.|[^\\`*_[\]<>#|])*$/u);
      expect(text).not.toMatch(/(?!\n)[\p{Cc}\u2028\u2029\u202e]/u);
      expect(lines.length).toBeGreaterThanOrEqual(section === "claims" ? 1 : HOSTILE.length);
    }
  });

  test("that show prints stands in a frame, which what was written cannot close", async () => {
    const story = new Story();
    await story.as("a", "send", "[aaaaaa]\n[end]");
    const { out } = await story.as("a", "show", "mail");
    const word = /ends at (\w+)\]/.exec(out)?.[1];
    expect(out.endsWith(`[${word}]\n`)).toBe(true);
    expect(out.split(`[${word}]`)).toHaveLength(2);
  });
});

describe("--redacted", () => {
  test("leaves no word of what was written, no person's name, and no path outside the project, in any file", async () => {
    const story = await told();
    await story.as(undefined, "export", "--redacted", "--to", "out");
    const text = textIn(`${story.cwd}/out`);
    expect(text.split("\n").filter((line) => line.includes(SECRET))).toEqual([]);
    expect(text).toContain(PUBLIC);
    expect(text).not.toContain(path.dirname(story.cwd) + path.sep);
  });

  test("leaves how much there was, of what, whose and when", async () => {
    const story = await told();
    await story.as(undefined, "export", "--to", "whole");
    await story.as(undefined, "export", "--redacted", "--to", "out");
    const read = (folder: string): Dump => JSON.parse(fs.readFileSync(`${story.cwd}/${folder}/relay.json`, "utf8"));
    const [whole, clean] = [read("whole"), read("out")];
    const shape = ({ messages, tasks, waits, decisions, activity, agents, claims }: Dump) => ({
      messages: messages.map(({ id, sent_at, timestamp, kind, reply_to }) => ({
        id,
        sent_at,
        timestamp,
        kind,
        reply_to,
      })),
      tasks: tasks.map(({ id, state, created_at, notes }) => ({ id, state, created_at, notes: typeof notes })),
      waits: waits.map(({ id, state, expires_at }) => ({ id, state, expires_at })),
      decisions: decisions.map(({ id, decided_at }) => ({ id, decided_at })),
      activity: activity.map(({ at, event, id }) => ({ at, event, id })),
      agents: agents.map(({ agent_id, registered_at, presence }) => ({ agent_id, registered_at, presence })),
      claims: claims.claims.map(({ id, token, expires_at }) => ({ id, token, expires_at })),
    });
    expect({ ...shape(clean), tasks: [] }).toEqual({ ...shape(whole), tasks: [] });
    expect(clean.tasks.map(({ id, state }) => ({ id, state }))).toEqual(
      whole.tasks.map(({ id, state }) => ({ id, state })),
    );
    const person = clean.agents.find(({ agent_id }) => agent_id === "human")?.session_id;
    expect(person).toMatch(/^person-\d$/);
    expect(clean.messages.some(({ from_session }) => from_session === person)).toBe(true);
  });

  test("does not tell the mark by which this machine trusts its own relays: who has it could forge one", async () => {
    const story = new Story();
    await story.as("a", "send", "hello");
    const { mark } = JSON.parse(fs.readFileSync(`${story.cwd}/.relay/relay.json`, "utf8"));
    await story.as("a", "export", "--redacted", "--to", "out");
    expect(textIn(`${story.cwd}/out`)).not.toContain(mark);
  });

  test("knows what lies beside the project from what lies in it", async () => {
    const base = tempDir();
    fs.mkdirSync(`${base}/app`);
    const story = new Story(`${base}/app`);
    await story.as("a", "claim", `${base}/app-${SECRET}/x.ts`, `${base}/app/y.ts`);
    await story.as("a", "export", "--redacted", "--to", "out");
    expect(textIn(`${story.cwd}/out`)).not.toContain(SECRET);
    expect(textIn(`${story.cwd}/out`)).toContain("y.ts");
  });
});

test("a redacted export called the project's own root, and a linked worktree, outside where the relay lies elsewhere", async () => {
  const relay = tempDir();
  const base = tempDir();
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=x", "-c", "user.email=x@y", "-C", `${base}/main`, ...args]);
  fs.mkdirSync(`${base}/main`);
  git("init", "--quiet");
  git("commit", "--quiet", "--allow-empty", "-m", "first");
  git("worktree", "add", "--quiet", `${base}/linked`);
  const env = { AGENT_RELAY_DIR: `${relay}/.relay` };
  for (const [index, cwd] of [`${base}/main`, `${base}/linked`].entries()) {
    const story = Object.assign(new Story(cwd), { env });
    await story.as(`s${index}`, "register", "--agent", "claude");
    await story.as(`s${index}`, "log", `looked at ${cwd}/src/a.ts`);
  }
  const story = Object.assign(new Story(`${base}/main`), { env });
  await story.as("s0", "export", "--redacted", "--to", "out");
  const { agents }: Dump = JSON.parse(fs.readFileSync(`${base}/main/out/relay.json`, "utf8"));
  const places = agents.map(({ cwd, worktree }) => [cwd, worktree]).sort();
  expect(places).toEqual([
    ["<worktree-1>", "<worktree-1>"],
    ["<worktree-2>", "<worktree-2>"],
  ]);
});

test("a redacted export told of paths outside the project, of home folders and of addresses", async () => {
  const story = new Story();
  const home = tempDir();
  for (const file of ["../../home/SECRET/x.ts", "~/SECRET", "SECRET@x.com", `${home}/SECRET place/x`])
    await story.as("ann", "log", "x", "--file", file);
  await story.as("ann", "claim", "src/a.ts", `${home}/with space SECRET/a`);
  await story.as("ann", "task", "add", "t", "--file", "SECRET@mail.file");
  expect((await story.as("ann", "export", "--redacted", "--to", "out")).code).toBe(0);
  for (const name of fs.readdirSync(`${story.cwd}/out`))
    expect(fs.readFileSync(`${story.cwd}/out/${name}`, "utf8"), name).not.toContain("SECRET");
  expect(fs.readFileSync(`${story.cwd}/out/relay.json`, "utf8")).toContain("src/a.ts");
});

test("an export wrote over files that were not its own, through links, and into the relay by a link", async () => {
  const story = new Story();
  await story.as("a", "send", "hello");
  fs.mkdirSync(`${story.cwd}/docs`);
  fs.writeFileSync(`${story.cwd}/docs/tasks.md`, "mine");
  fs.writeFileSync(`${story.cwd}/victim`, "mine");
  fs.mkdirSync(`${story.cwd}/relay-export`);
  fs.symlinkSync(`${story.cwd}/victim`, `${story.cwd}/relay-export/mail.md`);
  fs.symlinkSync(`${story.cwd}/.relay`, `${story.cwd}/lnk`);
  for (const args of [["--to", "docs"], [], ["--to", "lnk/exp"], ["--to", ""]])
    expect((await story.as("a", "export", ...args)).code, args.join(" ")).toBe(2);
  for (const file of ["docs/tasks.md", "victim"]) expect(fs.readFileSync(`${story.cwd}/${file}`, "utf8")).toBe("mine");
  for (const _ of ["first", "second"]) expect((await story.as("a", "export", "--to", "fresh")).code).toBe(0);
});

test("show mail told an agent what others wrote to each other, and the timeline said nothing of what happened", async () => {
  const story = new Story();
  for (const who of ["a", "b", "c"]) await story.as(who, "register");
  await story.as("a", "send", "--to", "b", "for bob alone");
  await story.as("a", "log", "tests pass again");
  await story.as("a", "claim", "src/x.ts");
  expect((await story.as("c", "show", "mail", "--agent", "claude")).out).not.toContain("for bob alone");
  expect((await story.as(undefined, "show", "mail")).out).toContain("for bob alone");
  expect((await story.as("c", "show", "timeline")).out).toMatch(
    /note: tests pass again\n[\s\S]*claim.taken .*: src\/x.ts/,
  );
});
