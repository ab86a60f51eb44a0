import type { Store } from "../store/store.ts";

/** What `expect` of a test runner gives: the part that the contract uses. */
export interface Matchers {
  toBe(expected: unknown): void;
  toBeLessThan(expected: number): void;
  toBeUndefined(): void;
  toEqual(expected: unknown): void;
  toHaveLength(expected: number): void;
  toMatchObject(expected: object): void;
  readonly rejects: { toBe(expected: unknown): Promise<void>; toMatchObject(expected: object): Promise<void> };
}

/** The functions of a test runner: Vitest's, Jest's, or others of the same form. */
export interface TestRunner {
  describe(name: string, run: () => void): unknown;
  test(name: string, run: () => Promise<void>): unknown;
  expect(value: unknown, message?: string): Matchers;
}

/** What the contract asks of a store that it makes. */
export interface StoreUnderTest {
  /** The clock (Unix ms). */
  readonly now: () => number;
  /** The most unread messages in one inbox. */
  readonly inboxLimit: number;
}

/** Makes an empty store, another one each time. */
export type MakeStore = (options: StoreUnderTest) => Store;

export const NOON = Date.parse("2026-03-01T12:00:00.000Z");
