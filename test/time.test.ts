import { getEventListeners } from "node:events";
import fc from "fast-check";
import { expect, test } from "vitest";
import { dayOf, iso, isPast, localTime, sleep } from "../src/time.ts";

test("a time is said in UTC, and as its day", () => {
  const time = Date.UTC(2026, 4, 1, 23, 59, 59, 7);
  expect(iso(time)).toBe("2026-05-01T23:59:59.007Z");
  expect(dayOf(time)).toBe("2026-05-01");
});

test("times were shown in UTC and did not say so: they are those of the wall, with its offset, and can be read back", () => {
  const time = Date.UTC(2026, 4, 1, 23, 59, 59);
  const before = process.env.TZ;
  for (const [zone, shown] of [
    ["UTC", "2026-05-01T23:59:59Z"],
    ["Asia/Kolkata", "2026-05-02T05:29:59+05:30"],
    ["America/St_Johns", "2026-05-01T21:29:59-02:30"],
    ["Pacific/Auckland", "2026-05-02T11:59:59+12:00"],
  ] as const) {
    process.env.TZ = zone;
    expect(localTime(time)).toBe(shown);
    expect(Date.parse(shown)).toBe(time);
  }
  process.env.TZ = before;
  for (const odd of [Number.NaN, 9e15, -9e15]) expect(localTime(odd)).toMatch(/^[+-]?\d/);
});

test("a sleep ends with its signal, also one that has ended before, and leaves no listener", async () => {
  const end = new AbortController();
  const asleep = sleep(3_600_000, end.signal);
  expect(getEventListeners(end.signal, "abort")).toHaveLength(1);
  end.abort();
  await asleep;
  expect(getEventListeners(end.signal, "abort")).toHaveLength(0);
  await sleep(3_600_000, end.signal);
  await sleep(1, new AbortController().signal);
});

test("whether a time has come is told by its letters as it is by what they mean", () => {
  const times = fc.oneof(
    fc.integer({ min: 0, max: 4_102_444_800_000 }).map((time) => new Date(time).toISOString()),
    fc.constantFrom("2026-05-01T09:00:00Z", "+010000-01-01T00:00:00.000Z", "1969-12-31T23:59:59.999Z"),
  );
  fc.assert(
    fc.property(times, fc.integer({ min: -1, max: 4_102_444_800_000 }), (until, now) => {
      expect(isPast(until, now)).toBe(Date.parse(until) <= now);
      expect(isPast(until, Date.parse(until))).toBe(true);
      expect(isPast(until, Date.parse(until) - 1)).toBe(false);
    }),
  );
});
