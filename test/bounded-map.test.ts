import { expect, test } from "vitest";
import { BoundedMap } from "../src/bounded-map.ts";

test("a bounded map has room for so many entries, and the one that was put in first gives way", () => {
  const map = new BoundedMap<string, number>(2);
  map.set("a", 1).set("b", 2).set("a", 3).set("c", 4);
  expect([...map]).toEqual([
    ["b", 2],
    ["c", 4],
  ]);
});
