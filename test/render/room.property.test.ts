import fc from "fast-check";
import { expect, test } from "vitest";
import { Room } from "../../src/render/room.ts";

const texts = fc.array(fc.string({ unit: "binary", maxLength: 20 }), { maxLength: 12 });

test("as many texts are shown as fit, from the first on, at least one, and the next one would not have fitted", () => {
  fc.assert(
    fc.property(texts, fc.nat({ max: 80 }), (all, chars) => {
      const shown = new Room({ chars }).asManyAsFit(all);
      const size = (of: readonly string[]) => of.join("").length;
      expect(shown).toEqual(all.slice(0, shown.length));
      if (all.length > 0) expect(shown.length).toBeGreaterThan(0);
      if (shown.length > 1) expect(size(shown)).toBeLessThanOrEqual(chars);
      if (shown.length < all.length) expect(size(all.slice(0, shown.length + 1))).toBeGreaterThan(chars);
    }),
  );
});

test("what does not fit takes no room", () => {
  const room = new Room({ bytes: 4, tokens: 3 });
  expect([room.take("äää"), room.take("ää"), room.take("a"), room.take("")]).toEqual([false, true, false, true]);
});
