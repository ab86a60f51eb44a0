// The program of somebody who builds a tool on the library: it uses every public method once, under the strictest settings.
import { type ActivityEntry, FileStore, MemoryStore, type Message, Relay, RelayError, type Task } from "agent-relay";
import { checkKey, inRange, nameOf, type Store } from "agent-relay/store";
import { describeStore } from "agent-relay/testing";

const dir = `.relay-of-${process.argv[2] ?? "tool"}`;
const as = (session: string) => new Relay(dir, { session, agent: "tool", durability: "process" });

await using ann = as("ann");
await using bob = as("bob");
await using person = new Relay(dir);

const registered = await ann.agents.register({ name: "ann", role: "builder" });
await bob.agents.register();
await ann.agents.heartbeat();
await ann.agents.setStatus("builds");
const here: string[] = (await ann.agents.list({ unread: true })).map(({ session_id }) => session_id).sort();
const found = (await ann.agents.find("nobody-here"))?.presence ?? "unknown";
const { presence } = await ann.agents.get("ann");
const called = (await ann.agents.names(["ann"])).get(await ann.agents.resolve("ann"));

const asked = await ann.send("well?", { to: "bob", kind: "question", report: true, deadlineMs: 60_000 });
const [one, refused] = await ann.messages.sendMany([
  { content: "one" },
  { content: "two", options: { to: "nobody-here" } },
]);
const unread = await bob.messages.unreadCount();
const { messages, has_more } = await bob.messages.unread();
const { items } = await bob.inbox({ limit: 10, show: async (all) => all });
await bob.reply(asked.id, "yes");
const answer = await ann.wait({ replyTo: [asked.id] }, { timeoutMs: 5000 });
const answers: Message[] = [];
for await (const message of ann.watch({ signal: AbortSignal.timeout(5000) })) {
  answers.push(message);
  break;
}
const read = await ann.messages.markRead(answers.map(({ id }) => id));
const whole = await ann.messages.thread(asked.id);
const told = await bob.messages.get(asked.id);
const gone = await bob.messages.find("msg-nothing");
const past = await bob.messages.history({ limit: 5, since: new Date(0) });
const toAck = await ann.send("look", { to: "bob", ack: true });
await bob.messages.ack(toAck.id);
await ann.messages.withdraw((await ann.send("no")).id);

const end = new AbortController();
const events: ActivityEntry[] = [];
const following = (async () => {
  for await (const event of person.events({ types: ["claim.taken"], signal: end.signal })) {
    events.push(event);
    if (event.event === "claim.taken") break;
  }
})();
{
  await using claim = await ann.claim("src", { reason: "moves", ttlMs: 60_000 });
  if (claim.expires_at < claim.claimed_at) throw new Error("it ended before it began");
  const check = await bob.claims.check("src/a.ts");
  const held = await bob.claim("src/a.ts").catch((error: unknown) => error);
  if (!(held instanceof RelayError) || held.details.blockers?.[0]?.session_id !== "ann" || check.is_free) throw held;
  await ann.claims.renew({ ifDue: true });
}
while (events.length === 0) await (await bob.claim("docs"))[Symbol.asyncDispose]();
await following;
await ann.claim("lib");
const released = await ann.release("lib");
await ann.claim("lib");
await ann.claims.releaseAll();
await ann.claims.append("notes.txt", "a line");
const claims = await ann.claims.list();

const wait = await bob.waits.subscribe({ taskDone: [(await ann.tasks.add("parse", { priority: 5 })).id] });
const pending = await bob.waits.list();
await bob.waits.cancel((await bob.waits.get(wait.id)).id);
const noWait = await bob.waits.find("wait-nothing");

const task: Task = await ann.tasks.get("parse");
const noTask = await ann.tasks.find("no such task");
await ann.tasks.edit(task.id, { description: "headers" });
await ann.tasks.note(task.id, "begun");
await ann.tasks.claim(task.id, { ttlMs: 60_000 });
await ann.tasks.renew();
await ann.tasks.block(task.id, "no key");
await ann.tasks.unblock(task.id);
const next = await bob.tasks.next({ waitMs: 1000 });
await bob.tasks.release(task.id);
await bob.tasks.next();
const done = await bob.tasks.done(task.id);
await ann.tasks.cancel((await ann.tasks.add("not now")).id, { reason: "later" });
const { tasks } = await ann.tasks.list({ which: "all" });
const { abandoned } = await ann.tasks.standings(tasks);

const { decided_at } = await ann.decisions.add("tabs");
const decisions = await ann.decisions.list();
await ann.activity.note("tests pass", { file: "src/a.ts" });
await ann.activity.noteEdits(["src/a.ts"]);
const entries = (await ann.activity.list({ limit: 1000 })).entries.length;
const { record } = await ann.activity.explain(task.id);
const now = await ann.activity.snapshot();
const then = await ann.activity.at(decided_at);

const dump = await person.admin.dump();
const plan = await person.admin.gcPlan();
const removed = [...(await person.admin.gc()), ...(await person.admin.cleanupDead())];
const cleaned = await person.admin.cleanupOld(86_400_000);
await person.admin.trust();
const isTrusted = await person.admin.isTrusted();
await bob.agents.unregister();
const ended = await person.admin.finish();
const reopened = await person.admin.reopen();
await using opened = await Relay.open({ dir, session: "cay", agent: "tool" });

const store: Store = new MemoryStore();
await new FileStore(dir).close();
let promises = 0;
describeStore(
  {
    describe: (_, run) => run(),
    test: () => promises++,
    expect: () => {
      throw new Error("no test is run here");
    },
  },
  "a store",
  () => store,
);

console.log(
  JSON.stringify({
    names: [registered.name, called, presence, found, ...here, opened.session],
    mail: [
      unread,
      messages.length,
      has_more,
      items.length,
      answer.outcome.length,
      read.length,
      whole.length,
      told.kind,
      gone,
    ],
    sent: [one instanceof RelayError, refused instanceof RelayError && refused.code, past.messages.length > 0],
    claims: [released.length, claims.length, events.map(({ event }) => event)],
    waits: [pending.length, noWait],
    tasks: [noTask, next?.id === task.id, done.task.state, tasks.length, abandoned.length, record?.id === task.id],
    rest: [
      decisions.length,
      entries > 10,
      now.task_count,
      then.agents.length,
      dump.tasks.length,
      plan.length,
      removed.length,
      cleaned,
    ],
    admin: [isTrusted, ended, reopened],
    store: [checkKey("a/b"), nameOf("a/b"), inRange(["b", "a"], { limit: 1 }), promises > 50],
  }),
);
