import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { newId } from "../../src/id.ts";
import { compose, isOpen, isUnread, Message, sentAt, withAck, withRead } from "../../src/messages/message.ts";
import { order } from "../../src/messages/order.ts";
import { processorTime } from "../support/cpu-time.ts";

const NOON = Date.parse("2026-03-01T12:00:00.000Z");
const SESSIONS = ["ann", "bob", "cay"];
const session = fc.constantFrom(...SESSIONS);

/** One thing that happens: someone says something, at what its own clock shows, perhaps answering an earlier message. */
const event = fc.record({
  from: session,
  clock: fc.integer({ min: -7_200_000, max: 7_200_000 }),
  answers: fc.option(fc.nat()),
});

/** What these events leave on disk: each sender counts its own messages, whatever its clock does. */
function said(events: readonly { from: string; clock: number; answers: number | null }[]): Message[] {
  const messages: Message[] = [];
  for (const [index, { from, clock, answers }] of events.entries()) {
    const answered = answers === null || index === 0 ? undefined : messages[answers % index];
    const time = NOON + clock;
    messages.push(
      compose(
        {
          ...{ id: newId("msg", time), from_session: from, from_agent: "claude", to_session: null, content: "text" },
          ...{ time, seq: index },
        },
        { reply_to: answered?.id },
      ),
    );
  }
  return messages;
}

const history = fc.array(event, { maxLength: 40 }).map(said);

describe("order()", () => {
  test("it gives back every message, once", () => {
    fc.assert(
      fc.property(history, (messages) => {
        const ids = order(messages).map(({ id }) => id);
        expect([...ids].sort()).toEqual(messages.map(({ id }) => id).sort());
      }),
    );
  });

  test("each message comes after what it answers, whatever the clocks said", () => {
    fc.assert(
      fc.property(history, (messages) => {
        const places = new Map(order(messages).map(({ id }, place) => [id, place]));
        for (const { id, reply_to } of messages)
          if (reply_to !== undefined) expect(places.get(id)).toBeGreaterThan(places.get(reply_to) ?? -1);
      }),
    );
  });

  test("each message comes after its sender's earlier ones, whatever the clock said", () => {
    fc.assert(
      fc.property(history, (messages) => {
        for (const from of SESSIONS) {
          const counted = order(messages).flatMap((message) => (message.from_session === from ? [message.seq] : []));
          expect(counted).toEqual([...counted].sort((a, b) => Number(a) - Number(b)));
        }
      }),
    );
  });

  test("it does not depend on the order in which the messages were found", () => {
    const shuffled = history.chain((messages) =>
      fc.tuple(fc.constant(messages), fc.shuffledSubarray(messages, { minLength: messages.length })),
    );
    fc.assert(fc.property(shuffled, ([one, other]) => void expect(order(other)).toEqual(order(one))));
  });

  test("without answers and with honest clocks it is the order of time", () => {
    const times = fc.uniqueArray(fc.nat({ max: 100_000 }), { maxLength: 30 });
    fc.assert(
      fc.property(times, (clocks) => {
        const messages = said(clocks.sort((a, b) => a - b).map((clock) => ({ from: "ann", clock, answers: null })));
        expect(order([...messages].reverse())).toEqual(messages);
      }),
    );
  });

  test("forged fields lose no message and give everyone the same order", () => {
    const id = fc.constantFrom("m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7");
    const forged = fc.record({
      ...{
        id,
        from_session: session,
        from_agent: session,
        to_session: session,
        content: session,
        read_by: fc.constant([]),
      },
      timestamp: fc.nat(),
      seq: fc.nat({ max: 3 }),
      reply_to: id,
      sent_at: fc.constantFrom("", "nonsense", "2026-03-01T12:00:00.000Z", "+275760-09-13T00:00:00.000Z"),
    });
    const pile = fc.uniqueArray(forged, { selector: (message) => message.id, maxLength: 8 });
    fc.assert(
      fc.property(pile, (messages) => {
        const ordered = order(messages);
        expect([...ordered].sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual(
          [...messages].sort((a, b) => (a.id < b.id ? -1 : 1)),
        );
        expect(order([...messages].reverse())).toEqual(ordered);
      }),
    );
  });

  test("an answer comes after its question also where a foreign clock counts in other units", () => {
    const foreign = { from_agent: "claude", to_session: null, content: "text", read_by: [] };
    const timestamp = NOON * 1000; // microseconds where seconds belong
    const question = { ...foreign, id: "z-question", from_session: "ann", timestamp };
    const answer = { ...foreign, id: "a-answer", from_session: "bob", timestamp, reply_to: "z-question" };
    expect(order([answer, question]).map(({ id }) => id)).toEqual(["z-question", "a-answer"]);
  });

  test("a ring of answers does not hang", () => {
    const ring = said(SESSIONS.map((from) => ({ from, clock: 0, answers: null })));
    const closed = ring.map((message, index) => ({ ...message, reply_to: ring[(index + 1) % ring.length]?.id ?? "" }));
    expect(order(closed)).toHaveLength(3);
    expect(order(ring.map((message) => ({ ...message, reply_to: message.id })))).toHaveLength(3);
  });

  test.each([
    ["by one sender", (index: number) => ({ from: "ann", clock: -index, answers: null })],
    [
      "each answering the one before, with clocks that run backwards",
      (index: number) => ({ from: SESSIONS[index % 3] ?? "", clock: -index, answers: index - 1 }),
    ],
  ])("10,000 messages %s are ordered within a second", (_, eventOf) => {
    const messages = said(Array.from({ length: 10_000 }, (__, index) => eventOf(index)));
    const { ms, result } = processorTime(() => order([...messages].reverse()));
    expect(result.map(({ seq }) => seq)).toEqual(messages.map(({ seq }) => seq));
    expect(ms).toBeLessThan(1000);
  });
});

describe("receipts", () => {
  const name = fc.constantFrom("ann", "bob", "cay", "__proto__", "constructor", "toString");
  const stamp = fc.constantFrom(withRead, withAck);
  const stamped = fc
    .tuple(history, fc.array(fc.tuple(name, stamp), { maxLength: 6 }))
    .map(([[first = said([{ from: "zoe", clock: 0, answers: null }])[0]], stamps]) => {
      const unknown = { ...first, from_the_future: { a: 1 } };
      return stamps.reduce(
        (message, [who, change]) => change(message, who, NOON),
        Message.parse(unknown, "messages/m"),
      );
    });

  test("a receipt given twice is given once: the very same object comes back", () => {
    fc.assert(
      fc.property(stamped, name, stamp, (message, who, change) => {
        const once = change(message, who, NOON);
        expect(change(once, who, NOON + 1)).toBe(once);
      }),
    );
  });

  test("a receipt names its reader, and keeps those of others and fields nobody here knows", () => {
    fc.assert(
      fc.property(stamped, name, stamp, (message, who, change) => {
        const next = change(message, who, NOON);
        expect(next.read_by).toEqual(message.read_by.includes(who) ? message.read_by : [...message.read_by, who]);
        for (const [other, receipt] of Object.entries(message.receipts ?? {}))
          if (other !== who) expect(Object.getOwnPropertyDescriptor(next.receipts, other)?.value).toEqual(receipt);
        expect(next).toMatchObject({ from_the_future: { a: 1 }, content: message.content });
        expect(Object.keys(next).slice(0, 7)).toEqual(Object.keys(message).slice(0, 7));
      }),
    );
  });

  test("what was read is not unread, what was acked is not open, also for sessions with odd names", () => {
    fc.assert(
      fc.property(stamped, name, (message, who) => {
        expect(isUnread(who, withRead(message, who, NOON), NOON)).toBe(false);
        expect(isOpen(who, withAck({ ...message, ack_required: true }, who, NOON), NOON)).toBe(false);
      }),
    );
  });

  test("receipts survive the disk", () => {
    fc.assert(
      fc.property(stamped, (message) => {
        expect(Message.parse(JSON.parse(JSON.stringify(message)), "messages/m")).toEqual(message);
        expect(sentAt(message)).toBe(Date.parse(message.sent_at ?? ""));
      }),
    );
  });
});
