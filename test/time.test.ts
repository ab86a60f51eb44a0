import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { dayOf, iso, isoSeconds, sleep } from "../src/time.ts";

test("a time is said in UTC: with milliseconds, without, and as its day", () => {
  const time = Date.UTC(2026, 4, 1, 23, 59, 59, 7);
  expect(iso(time)).toBe("2026-05-01T23:59:59.007Z");
  expect(isoSeconds(time)).toBe("2026-05-01T23:59:59Z");
  expect(dayOf(time)).toBe("2026-05-01");
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
