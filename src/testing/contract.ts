import { describeDelivery } from "./delivery.ts";
import { describeLogs } from "./logs.ts";
import { describeRecords } from "./records.ts";
import type { MakeStore, TestRunner } from "./runner.ts";

export type { MakeStore, Matchers, StoreUnderTest, TestRunner } from "./runner.ts";

/** Says, as tests, all that a store promises: of its records, of what is published and marked, and of its logs. */
export function describeStore(runner: TestRunner, name: string, make: MakeStore): void {
  for (const describe of [describeRecords, describeDelivery, describeLogs]) describe(runner, name, make);
}
