import path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RelayError } from "../../src/errors.ts";
import { checkKey, checkSegment, isSegment } from "../../src/store/key.ts";

/** Words that look like keys, words that look like attacks, and any text at all. */
const piece = fc.oneof(
  fc.string({ unit: "binary", maxLength: 6 }),
  fc.stringMatching(/^[A-Za-z0-9._-]{1,6}$/),
  fc.constantFrom(
    "..",
    ".",
    "",
    "~",
    "%2e%2e",
    "..\\",
    "C:",
    "\\\\host",
    "a:b",
    "con",
    "NUL.txt",
    "\u2024\u2024",
    "\uff0e\uff0e",
    "a\n",
    "\0",
  ),
);
const text = fc
  .array(piece, { maxLength: 5 })
  .chain((pieces) => fc.constantFrom("/", "\\", "").map((joint) => pieces.join(joint)));

function isAccepted(key: string): boolean {
  try {
    return checkKey(key) === key;
  } catch (error) {
    if (error instanceof RelayError && error.code === "usage") return false;
    throw error;
  }
}

describe("keys", () => {
  test("any key that is accepted stays below the root, on every kind of system", () => {
    fc.assert(
      fc.property(text, (key) => {
        if (!isAccepted(key)) return;
        for (const system of [path.posix, path.win32]) {
          const root = system.resolve(system === path.win32 ? "C:\\project\\.relay" : "/project/.relay");
          const file = system.resolve(root, key);
          expect(file.startsWith(root + system.sep)).toBe(true);
          expect(system.relative(root, file)).toBe(key.replaceAll("/", system.sep));
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("any key that is accepted is plain ASCII without spaces, colons, backslashes or control bytes", () => {
    fc.assert(
      fc.property(text, (key) => void (isAccepted(key) && expect(key).toMatch(/^[A-Za-z0-9._/-]+$/))),
      { numRuns: 2000 },
    );
  });

  test("no segment that is accepted is hidden, ends in a dot, is a Windows device or has over 128 bytes", () => {
    fc.assert(
      fc.property(text, (key) => {
        if (!isAccepted(key)) return;
        for (const segment of key.split("/")) {
          expect(segment).toMatch(/^[^.]/);
          expect(segment).toMatch(/[^.]$/);
          expect(segment).not.toMatch(/^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$/i);
          expect(Buffer.byteLength(segment)).toBeLessThanOrEqual(128);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("what is made of good segments is a good key", () => {
    const segment = fc
      .stringMatching(/^[a-z0-9_-]{1,40}$/)
      .filter((word) => !/^(con|prn|aux|nul|(com|lpt)\d)$/.test(word));
    fc.assert(
      fc.property(
        fc.array(segment, { minLength: 1, maxLength: 5 }),
        (segments) => void expect(isAccepted(segments.join("/"))).toBe(true),
      ),
    );
  });

  test.each(["con", "CON", "Nul", "aux.json", "com1", "LPT9", "com0.x", "prn.seen"])(
    "the device name %s is refused",
    (name) => {
      expect(isSegment(name)).toBe(false);
      expect(isAccepted(`agents/${name}`)).toBe(false);
    },
  );

  test.each(["console", "null", "auxiliary", "com", "com10", "lpt", "a.con", "-", "_", "__proto__", "A.b-c_d"])(
    "the name %s is fine",
    (name) => {
      expect(checkSegment(name)).toBe(name);
    },
  );

  test("a segment of 128 bytes is the longest", () => {
    expect(isSegment("x".repeat(128))).toBe(true);
    expect(isSegment("x".repeat(129))).toBe(false);
  });

  test("the error names the thing, is one line, and stays short however long the word is", () => {
    const fault = (): string => checkSegment(`\u001b[2J\n${"x".repeat(1_000_000)}`, "session id");
    expect(fault).toThrow(/^Cannot use ".*" as a session id: /);
    try {
      fault();
    } catch (error) {
      expect(String(error).length).toBeLessThan(500);
      expect(String(error)).not.toMatch(/[\u0000-\u001f]/);
    }
  });
});
