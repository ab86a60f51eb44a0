import { describe, expect, test } from "vitest";
import { newId } from "../../src/id.ts";
import {
  asks,
  checkBody,
  compose,
  isFor,
  isLive,
  isOpen,
  isUnread,
  Message,
  mayRead,
  sentAt,
  withAck,
  withdraw,
  withRead,
} from "../../src/messages/message.ts";
import { order } from "../../src/messages/order.ts";

const NOON = Date.parse("2026-03-01T12:00:00.000Z");
const LATER = NOON + 60_000;

function message(fields: Partial<Message> = {}): Message {
  const base = {
    id: newId("msg", NOON),
    from_session: "ann",
    from_agent: "claude",
    to_session: "bob",
    content: "hello",
  };
  return { ...compose({ ...base, time: NOON, seq: 1 }), ...fields };
}

describe("a new message", () => {
  test("has the crate's fields first, in the crate's order, and its sender has read it", () => {
    const sent = message();
    expect(Object.keys(sent).slice(0, 7)).toEqual([
      ...["id", "from_session", "from_agent", "to_session", "content", "timestamp", "read_by"],
    ]);
    expect(sent).toMatchObject({
      timestamp: NOON / 1000,
      read_by: ["ann"],
      sent_at: "2026-03-01T12:00:00.000Z",
      seq: 1,
    });
  });

  test("says nothing of what was not asked for", () => {
    const draft = {
      id: "m",
      from_session: "ann",
      from_agent: "claude",
      to_session: null,
      content: "x",
      time: NOON,
      seq: 1,
    };
    const sent = compose(draft, { kind: undefined, ack_required: false, thread: "t" });
    expect(Object.keys(sent).slice(7)).toEqual(["sent_at", "seq", "thread"]);
  });

  test("a message of the crate, with seconds and nothing more, is read", () => {
    const theirs = {
      id: "8c3a",
      from_session: "a",
      from_agent: "x",
      to_session: null,
      content: "hi",
      timestamp: 1_700_000_000,
      read_by: [],
    };
    expect(Message.parse(theirs, "m")).toEqual(theirs);
    expect(sentAt(theirs)).toBe(1_700_000_000_000);
  });

  test.each(["id", "from_session", "from_agent", "content", "timestamp", "read_by"])(
    "without its %s it is no message",
    (field) => {
      const { [field]: _, ...rest }: Record<string, unknown> = { ...message() };
      expect(() => Message.parse(rest, "m")).toThrow(expect.objectContaining({ code: "corrupt" }));
    },
  );

  test("without a recipient it is for everyone, as the crate writes it", () => {
    const { to_session: _, ...rest } = message();
    expect(Message.parse(rest, "m").to_session).toBeNull();
  });
});

describe("its body", () => {
  test.each(["", " ", "\n\t "])("%j is empty, which is `usage`", (body) => {
    expect(() => checkBody(body, 100)).toThrow(expect.objectContaining({ code: "usage" }));
  });

  test("is counted in bytes, and is refused with `limit` one byte past the most", () => {
    expect(checkBody("ü".repeat(50), 100)).toHaveLength(50);
    const long = () => checkBody(`${"ü".repeat(50)}x`, 100);
    expect(long).toThrow(
      expect.objectContaining({ code: "limit", message: "Cannot send 101 bytes: a message has at most 100" }),
    );
  });
});

describe("who it is for", () => {
  test.each([
    ["a direct one, its sender", message(), "ann", { reads: true, isFor: false, unread: false }],
    ["a direct one, its recipient", message(), "bob", { reads: true, isFor: true, unread: true }],
    ["a direct one, a third", message(), "cay", { reads: false, isFor: false, unread: false }],
    ["a broadcast, its sender", message({ to_session: null }), "ann", { reads: true, isFor: false, unread: false }],
    ["a broadcast, anyone else", message({ to_session: null }), "cay", { reads: true, isFor: true, unread: true }],
    ["a message to oneself", message({ to_session: "ann" }), "ann", { reads: true, isFor: false, unread: false }],
  ])("%s", (_, sent, who, expected) => {
    expect({ reads: mayRead(who, sent), isFor: isFor(who, sent), unread: isUnread(who, sent, NOON) }).toEqual(expected);
  });
});

describe("how long it lives", () => {
  test("an expired one is not unread, from that very moment on", () => {
    const sent = message({ expires_at: new Date(LATER).toISOString() });
    expect([isUnread("bob", sent, LATER - 1), isUnread("bob", sent, LATER)]).toEqual([true, false]);
  });

  test("an expiry that is no time is as good as none", () => {
    expect(isLive(message({ expires_at: "soon" }), LATER)).toBe(true);
  });

  test("only its sender takes it back, and then nobody is shown it", () => {
    const sent = message({ kind: "question" });
    expect(() => withdraw(sent, "bob", LATER)).toThrow(expect.objectContaining({ code: "refused" }));
    const gone = withdraw(sent, "ann", LATER);
    expect([isLive(gone, LATER), isUnread("bob", gone, LATER), isOpen("bob", gone, LATER)]).toEqual([
      false,
      false,
      false,
    ]);
    expect(withdraw(gone, "ann", LATER + 1)).toBe(gone);
  });
});

describe("what it asks", () => {
  test.each([
    [message({ kind: "question" }), true],
    [message({ kind: "request-yield" }), true],
    [message({ ack_required: true }), true],
    [message({ kind: "info" }), false],
    [message({ ack_required: false }), false],
    [message(), false],
  ])("case %#: it asks for an answer, or not", (sent, expected) => {
    expect(asks(sent)).toBe(expected);
    expect(isOpen("bob", sent, NOON)).toBe(expected);
  });

  test("it stays open when read, and is open no more when acked, which counts as read", () => {
    const sent = message({ kind: "question" });
    const read = withRead(sent, "bob", LATER);
    expect([isUnread("bob", read, LATER), isOpen("bob", read, LATER)]).toEqual([false, true]);
    const acked = withAck(sent, "bob", LATER);
    expect([isUnread("bob", acked, LATER), isOpen("bob", acked, LATER)]).toEqual([false, false]);
    expect(acked.receipts).toEqual({
      bob: { read_at: "2026-03-01T12:01:00.000Z", acked_at: "2026-03-01T12:01:00.000Z" },
    });
  });

  test("an ack does not move the time it was read", () => {
    const acked = withAck(withRead(message(), "bob", NOON), "bob", LATER);
    expect(acked.receipts?.bob).toEqual({
      read_at: "2026-03-01T12:00:00.000Z",
      acked_at: "2026-03-01T12:01:00.000Z",
    });
    expect(acked.read_by).toEqual(["ann", "bob"]);
  });
});

describe("when it was sent", () => {
  test("it says so itself, else its id, else its seconds", () => {
    const { sent_at: _, ...without } = message({ id: newId("msg", NOON + 5) });
    expect(sentAt(message({ sent_at: "2026-03-01T12:00:00.123Z" }))).toBe(NOON + 123);
    expect(sentAt(without)).toBe(NOON + 5);
    expect(sentAt({ ...without, sent_at: "yesterday" })).toBe(NOON + 5);
    expect(sentAt({ ...without, id: "theirs" })).toBe(NOON);
  });

  test("an answer whose sender's clock is an hour slow comes after its question", () => {
    const question = message({ id: "b" });
    const answer = message({
      id: "a",
      from_session: "bob",
      reply_to: "b",
      sent_at: new Date(NOON - 3_600_000).toISOString(),
    });
    const next = message({ id: "c", from_session: "cay", sent_at: new Date(NOON + 1000).toISOString() });
    expect(order([next, answer, question]).map(({ id }) => id)).toEqual(["b", "a", "c"]);
  });

  test("a sender's messages stay in the order it sent them when its clock steps back", () => {
    const times = [NOON, NOON - 3_600_000, NOON - 3_599_000];
    const sent = times.map((time, index) =>
      message({ id: `m${9 - index}`, seq: NOON + index, sent_at: new Date(time).toISOString() }),
    );
    expect(order([...sent].reverse())).toEqual(sent);
  });

  test("a message that the crate rewrote without its extra fields keeps its place among its sender's", () => {
    const sent = [0, 1000, 2000].map((later) =>
      message({ id: newId("msg", NOON + later), seq: NOON + later, sent_at: new Date(NOON + later).toISOString() }),
    );
    const [first, second, third] = sent;
    if (!first || !second || !third) throw new Error("three were made");
    const { sent_at: _, seq: __, ...rewritten } = second;
    expect(order([third, rewritten, first]).map(({ id }) => id)).toEqual(sent.map(({ id }) => id));
  });
});
