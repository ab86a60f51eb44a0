// Each operation that is killed, stopped and cut off: who acts, and what it does. `say` tells the parent what was shown.
export const operations = {
  "send to one": { session: "ann", run: (relay) => relay.send("news", { to: "bob" }) },
  "send to several": { session: "ann", run: (relay) => relay.send("news", { to: ["bob", "cho"] }) },
  "send to all": { session: "ann", run: (relay) => relay.send("news") },
  "first send of all": { session: "ann", run: (relay) => relay.send("news") },
  inbox: {
    session: "bob",
    run: (relay, say) =>
      relay.inbox({
        async show(items) {
          const fresh = items.filter((item) => item.is_new).map((item) => item.message.id);
          if (fresh.length > 0) say(`shown ${fresh.join(" ")}`);
          return items;
        },
      }),
  },
  ack: {
    session: "bob",
    async run(relay) {
      const [question] = (await relay.messages.history()).messages.filter((message) => message.kind === "question");
      await relay.messages.ack(question.id);
    },
  },
  register: { session: "eve", run: (relay) => relay.agents.register({ name: "eve", role: "reviewer" }) },
  unregister: { session: "bob", run: (relay) => relay.agents.unregister() },
  cleanup: {
    session: "ann",
    async run(relay) {
      await relay.admin.cleanupDead();
      await relay.admin.cleanupOld(24 * 3_600_000);
    },
  },
  claim: { session: "ann", run: (relay) => relay.claim("src/db.ts", { reason: "new index" }) },
  release: { session: "bob", run: (relay) => relay.release("src/db.ts") },
  subscribe: { session: "cho", run: (relay) => relay.waits.subscribe({ released: ["src/db.ts"] }) },
  "task add": { session: "ann", run: (relay) => relay.tasks.add("third", { dependsOn: ["first"], priority: 9 }) },
  "task next": { session: "ann", run: (relay) => relay.tasks.next({ claimFiles: true }) },
  "first write to format 1": { session: "ann", run: (relay) => relay.activity.note("here") },
  "task done": { session: "bob", run: (relay) => relay.tasks.done("first") },
};
