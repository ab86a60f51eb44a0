import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { Agent } from "../src/agents/agent.ts";
import { RelayError } from "../src/errors.ts";
import { KINDS, Message } from "../src/messages/message.ts";
import {
  flag,
  integer,
  list,
  moment,
  nullable,
  object,
  oneOf,
  optional,
  record,
  type Schema,
  text as text_,
} from "../src/schema.ts";

const text = fc.string({ unit: "binary" });
const whole = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const time = fc
  .date({ min: new Date(0), max: new Date("9999-12-31"), noInvalidDate: true })
  .map((at) => at.toISOString());
const receipt = fc.record({ read_at: text, acked_at: text, notified_at: text }, { requiredKeys: [] });
const unknown = fc.jsonValue().filter((value) => value !== null);

const message = fc.record(
  {
    ...{ id: text, from_session: text, from_agent: text, to_session: fc.option(text), content: text, timestamp: whole },
    ...{
      read_by: fc.array(text),
      sent_at: text,
      seq: whole,
      kind: fc.constantFrom(...KINDS),
      thread: text,
      reply_to: text,
    },
    ...{ batch: text, ack_required: fc.boolean(), expires_at: text, withdrawn_at: text },
    receipts: fc.dictionary(text, receipt),
    from_the_future: unknown,
  },
  { requiredKeys: ["id", "from_session", "from_agent", "to_session", "content", "timestamp", "read_by"] },
);
const agent = fc.record(
  {
    ...{
      session_id: text,
      agent_id: text,
      pid: fc.nat({ max: 0xffffffff }),
      registered_at: whole,
      last_heartbeat: whole,
    },
    ...{
      metadata: fc.jsonValue(),
      name: text,
      role: text,
      pid_started: whole,
      place: text,
      cwd: text,
      status_at: time,
      ended_at: time,
    },
    from_the_future: unknown,
  },
  { requiredKeys: ["session_id", "agent_id", "pid", "registered_at", "last_heartbeat", "metadata"] },
);

function throughDisk(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

const SHAPES = [
  object({ x: integer(-3, 3), label: optional(text_()), kind: oneOf(["a", "b"]) }),
  object({ on: flag(), points: list(object({ x: integer() })), by: record(text_()), to: nullable(text_()) }),
];

describe("schemas", () => {
  test("a message that was written is read back as it was, with what nobody here knows", () => {
    fc.assert(
      fc.property(message, (value) => void expect(Message.parse(throughDisk(value), "m")).toEqual(throughDisk(value))),
    );
  });

  test("a registration that was written is read back as it was, with what nobody here knows", () => {
    fc.assert(
      fc.property(agent, (value) => void expect(Agent.parse(throughDisk(value), "a")).toEqual(throughDisk(value))),
    );
  });

  test("a moment is ISO 8601 with Z, and what format 1 had in its place reads as the same moment", () => {
    fc.assert(
      fc.property(time, (at) => {
        const seconds = Math.floor(Date.parse(at) / 1000);
        expect(moment().parse(at, "m")).toBe(at);
        expect(moment().parse(Date.parse(at), "m")).toBe(at);
        expect(moment(1000).parse(seconds, "m")).toBe(new Date(seconds * 1000).toISOString());
      }),
    );
    expect(moment().parse("2026-05-01T14:00:00+02:00", "m")).toBe("2026-05-01T12:00:00.000Z");
    for (const odd of [
      -1,
      0.5,
      9e15,
      "",
      "soon",
      "2026-13-01T00:00:00.000Z",
      "2026-01-01T25:00:00.000Z",
      null,
      true,
      [],
    ])
      expect(() => moment().parse(odd, "m"), String(odd)).toThrow("it is not a time");
  });

  test("a field of another name in format 1 is read by the one it has now", () => {
    const schema = object({ ttl_ms: integer() }, { ttl: "ttl_ms" });
    expect(schema.parse({ ttl: 5 }, "x")).toEqual({ ttl_ms: 5 });
    expect(schema.parse({ ttl: 5, ttl_ms: 6 }, "x")).toEqual({ ttl_ms: 6 });
  });

  test("reading keeps the order of the fields", () => {
    fc.assert(
      fc.property(message, (value) => void expect(Object.keys(Message.parse(value, "m"))).toEqual(Object.keys(value))),
    );
  });

  test("reading does not change what was read", () => {
    fc.assert(
      fc.property(message, (value) => {
        const before = structuredClone(value);
        Message.parse(value, "m");
        expect(value).toEqual(before);
      }),
    );
  });

  test("any JSON at all is either what it should be or `corrupt`, never another failure", () => {
    const nearly = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.constantFrom("id", "content", "read_by", "receipts", "__proto__"), fc.jsonValue()),
    );
    fc.assert(
      fc.property(nearly, fc.constantFrom(Message, Agent), (value, schema) => {
        try {
          schema.parse(value, "there");
        } catch (error) {
          expect(error).toBeInstanceOf(RelayError);
          expect(error).toMatchObject({ code: "corrupt", message: expect.stringContaining('Cannot read "there') });
        }
      }),
    );
  });

  test("an extra field of the wrong type is dropped, and the rest is still good", () => {
    const extra = fc.constantFrom(
      "sent_at",
      "seq",
      "kind",
      "thread",
      "reply_to",
      "batch",
      "ack_required",
      "expires_at",
      "withdrawn_at",
      "receipts",
    );
    fc.assert(
      fc.property(message, extra, fc.constantFrom<unknown[]>([], -1.5, ["x"], null), (value, field, wrong) => {
        const { [field]: _, ...rest } = value;
        expect(Message.parse({ ...value, [field]: wrong }, "m")).toEqual(rest);
      }),
    );
  });

  test.each(SHAPES)("a JSON Schema takes what its schema takes, and nothing else (%#)", (schema) => {
    const other = z.fromJSONSchema(schema.json as Parameters<typeof z.fromJSONSchema>[0]);
    const field = fc.oneof(
      fc.integer({ min: -5, max: 5 }),
      fc.boolean(),
      fc.constantFrom("a", "b", "c"),
      fc.constant(null),
    );
    const nested = fc.oneof(field, fc.array(fc.record({ x: field })), fc.dictionary(fc.constantFrom("k", "l"), field));
    const value = fc.record(
      { x: field, label: field, kind: field, on: field, points: nested, by: nested, to: field },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(value, (one) => {
        const { label, to = null, ...rest } = one;
        const given = { ...rest, to, ...(label !== null && label !== undefined && { label }) }; // null counts as missing
        expect(other.safeParse(given).success).toBe(takes(schema, given));
      }),
      { numRuns: 500 },
    );
  });
});

function takes(schema: Schema<unknown>, value: unknown): boolean {
  try {
    schema.parse(value, "it");
    return true;
  } catch (error) {
    if (error instanceof RelayError) return false;
    throw error;
  }
}
