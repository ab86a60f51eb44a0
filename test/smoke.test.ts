import { expect, test } from "vitest";
import fs from "node:fs";
import os from "node:os";
import { Relay } from "../src/index.ts";
test("smoke", async () => {
  const dir = fs.mkdtempSync(os.tmpdir() + "/r-") + "/.relay";
  const a = new Relay(dir, { session: "claude-1", agent: "claude" });
  const b = new Relay(dir, { session: "gemini-1", agent: "gemini" });
  await a.register(); await b.register({name:"gem"});
  const s = await a.send("hello all", { report: true });
  console.log(JSON.stringify(s));
  console.log(await b.unreadCount(), JSON.stringify(await b.inbox()));
  const q = await a.send("q?", { to: "gem", kind: "question" });
  console.log(JSON.stringify(await b.inbox()), JSON.stringify(await b.inbox()));
  await b.reply(q.id, "answer");
  console.log(JSON.stringify(await b.inbox()), JSON.stringify((await a.thread(q.id)).map(m=>m.content)));
  console.log(JSON.stringify(await a.agents()));
  for await (const m of a.watch()) { console.log("watch", m.content); if (m.content==="answer") break; }
  console.log(await a.unreadCount(), await a.unregister());
  await expect(b.send("x", {to: "claudee-1"})).rejects.toThrow("did you mean");
});
