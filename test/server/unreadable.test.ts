import fs from "node:fs";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Relay } from "../../src/relay.ts";
import { HttpStore } from "../../src/store/http/http-store.ts";
import { tempDir } from "../support/cli.ts";
import { World } from "../support/http-relay.ts";

afterEach(() => void vi.restoreAllMocks());

/** A server with a record of each kind, twice, and a client of a member, with what it was told beside its answers. */
async function town() {
  const dir = `${tempDir()}/.relay`;
  const world = await World.serve({ here: dir });
  const notices: string[] = [];
  const as = async (session: string) => {
    const store = new HttpStore(`${world.origin}/here`, {
      now: Date.now,
      credentials: { secret: () => world.token("here", session) },
      onNotice: ({ text }) => notices.push(text),
    });
    store.actAs(session);
    return new Relay("/nowhere/.relay", { session, agent: "claude", store });
  };
  const [ann, bob] = [await as("ann1"), await as("bob1")];
  for (const relay of [ann, bob]) await relay.agents.register();
  const ids = {
    messages: [await ann.send("one", { to: "bob1" }), await ann.send("two", { to: "bob1" })].map(({ id }) => id),
    tasks: [await ann.tasks.add("first"), await ann.tasks.add("second")].map(({ id }) => id),
    decisions: [await ann.decisions.add("this"), await ann.decisions.add("that")].map(({ id }) => id),
    agents: ["ann1", "bob1"],
  };
  return { dir, bob, again: await as("bob1"), ids, notices };
}

/** Every read of this file fails, as from a disk that is going bad. */
function failing(file: string): void {
  for (const name of ["openSync", "readFileSync"] as const) {
    const real = fs[name] as (...args: unknown[]) => unknown;
    vi.spyOn(fs, name).mockImplementation(((...args: unknown[]) => {
      if (args[0] !== file) return real(...args);
      throw Object.assign(new Error(`EIO: ${file}`), { code: "EIO", errno: -5, syscall: name, path: file });
    }) as never);
  }
}

/** Whose a message is that cannot be read is not known: a list of all names it to nobody. */
const history = async (relay: Relay) => (await relay.messages.history()).messages;

describe("one record that the server cannot read failed the whole list", () => {
  const lists: readonly (readonly [
    kind: keyof Awaited<ReturnType<typeof town>>["ids"],
    list: (relay: Relay) => Promise<readonly unknown[]>,
  ])[] = [
    ["messages", async (relay) => (await relay.inbox({ peek: true })).items],
    ["messages", async (relay) => (await relay.messages.unread()).messages],
    ["messages", history],
    ["tasks", async (relay) => (await relay.tasks.list()).tasks],
    ["decisions", (relay) => relay.decisions.list()],
    ["agents", (relay) => relay.agents.list()],
  ];

  test.each(lists)("of %s: %s", async (kind, list) => {
    const { dir, bob, again, ids, notices } = await town();
    const [id] = ids[kind];
    const whole = (await list(again)).length;
    failing(`${dir}/${kind}/${id}.json`);
    const found = await list(bob);
    expect(found).toHaveLength(whole - 1);
    if (list !== history) expect(notices.join("\n")).toContain(`${kind}/${id}`);
  });
});
