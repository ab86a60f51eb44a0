import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Addressee, nearest, resolve, resolveOne } from "../../src/agents/resolve.ts";
import { RelayError } from "../../src/errors.ts";
import { processorTime } from "../support/cpu-time.ts";

const session = fc.stringMatching(/^(claude|codex)-[a-c]{1,3}$/);
const party = fc.record(
  {
    session_id: session,
    agent_id: fc.constantFrom("claude", "codex", "human"),
    name: fc.stringMatching(/^[a-c]{1,3}$/),
    role: fc.constantFrom("tester", "builder"),
  },
  { requiredKeys: ["session_id", "agent_id"] },
);
const agents = fc.uniqueArray(party, { selector: (each) => each.session_id, maxLength: 8 });
const word = fc.oneof(
  session,
  fc.stringMatching(/^[a-c]{1,3}$/),
  fc.constantFrom("role:tester", "human", "claude", "c", "claude-a", "nobody"),
);

/** What a call gives, or the code and sentence of what it throws. */
function outcome<T>(call: () => T): T | { code: string; message: string } {
  try {
    return call();
  } catch (error) {
    if (error instanceof RelayError) return { code: error.code, message: error.message };
    throw error;
  }
}

describe("resolve()", () => {
  test("it never answers with the sender, nor with anyone twice, nor with nobody", () => {
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1, maxLength: 4 }),
        session,
        agents,
        agents,
        fc.boolean(),
        (to, me, here, ended, keep) => {
          const found = outcome(() => resolve(to, me, here, { ended, keep }));
          if (!Array.isArray(found))
            return void expect(found).toMatchObject({ code: expect.stringMatching(/^(usage|not_found)$/) });
          expect(found).not.toContain(me);
          expect(new Set(found).size).toBe(found.length);
          expect(found.length).toBeGreaterThan(0);
        },
      ),
    );
  });

  test("a whole session id means that session, whatever names and beginnings fit it too", () => {
    fc.assert(
      fc.property(agents, fc.nat(), (here, pick) => {
        const target = here[pick % Math.max(1, here.length)];
        if (target === undefined) return;
        const confusing = here.map((each) => ({ ...each, name: target.session_id }));
        expect(resolve([target.session_id], "me", confusing)).toEqual([target.session_id]);
        expect(resolveOne(target.session_id, confusing)).toBe(target.session_id);
      }),
    );
  });

  test("every answer is someone here or ended, unless it is kept for one who will come", () => {
    fc.assert(
      fc.property(word, agents, agents, (to, here, ended) => {
        const found = outcome(() => resolve([to], "me", here, { ended }));
        const known = [...here, ...ended].map((each) => each.session_id);
        if (Array.isArray(found)) expect(known).toEqual(expect.arrayContaining([...found]));
      }),
    );
  });

  test("`all` among them is everyone, and an empty list is nobody, which is an error", () => {
    fc.assert(
      fc.property(fc.array(word), agents, (others, here) => {
        expect(resolve([...others, "all"], "me", here)).toBe("everyone");
        expect(() => resolve([], "me", here)).toThrow("the list of recipients is empty");
      }),
    );
  });

  test("a beginning that fits several is `usage`, and says which ones", () => {
    fc.assert(
      fc.property(agents, (here) => {
        const begun = here.filter((each) => each.session_id.startsWith("claude-"));
        const found = outcome(() => resolve(["claude-"], "me", here));
        if (begun.length > 1)
          expect(found).toMatchObject({
            code: "usage",
            message: expect.stringContaining(String(begun[0]?.session_id)),
          });
        if (begun.length === 1) expect(found).toEqual([begun[0]?.session_id]);
        if (begun.length === 0) expect(found).toMatchObject({ code: "not_found" });
      }),
    );
  });

  test("a word that means nobody is `not_found`, whatever characters are in it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1 }), agents, (text, here) => {
        const to = `?${text}`;
        expect(outcome(() => resolve([to], "me", here))).toMatchObject({ code: "not_found" });
        expect(resolve([to], "me", here, { keep: true })).toEqual([to]);
      }),
    );
  });

  test("one wrong letter in a name is met with the right name", () => {
    const here: Addressee[] = [{ session_id: "claude-1", agent_id: "claude", name: "brave-otter", role: "tester" }];
    fc.assert(
      fc.property(fc.nat({ max: 10 }), (at) => {
        const typo = `${"brave-otter".slice(0, at)}x${"brave-otter".slice(at + 1)}`;
        expect(nearest(typo, here)[0]).toBe("brave-otter");
        expect(outcome(() => resolve([typo], "me", here))).toMatchObject({
          message: expect.stringContaining("did you mean brave-otter?"),
        });
      }),
    );
  });

  test("at most three near ones are named, all of them real, the nearest first", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), agents, (text, here) => {
        const near = nearest(text, here);
        const all = here.flatMap((each) => [each.session_id, each.name, `role:${each.role}`]);
        expect(near.length).toBeLessThanOrEqual(3);
        for (const each of near) expect(all).toContain(each);
      }),
    );
  });

  test("an unknown word is answered within a second, however long it or the names here are", () => {
    const long = "x".repeat(1_000_000);
    const here = Array.from(
      { length: 5 },
      (_, n): Addressee => ({ session_id: `claude-${n}`, agent_id: "claude", name: `${long}${n}` }),
    );
    const named = here.map((each) => ({ ...each, name: "otter" }));
    const { ms, result } = processorTime(() => [
      ...["brave-otter", "y".repeat(64)].map((to) => outcome(() => resolve([to], "me", here))),
      outcome(() => resolve(["y".repeat(100_000)], "me", named)),
    ]);
    expect(result).toMatchObject([{ code: "not_found" }, { code: "not_found" }, { code: "not_found" }]);
    expect(ms).toBeLessThan(1000);
  });
});
