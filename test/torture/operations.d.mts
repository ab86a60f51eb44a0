import type { Relay } from "../../dist/index.js";

export interface Operation {
  readonly session: string;
  run(relay: Relay, say: (line: string) => void): Promise<unknown>;
}

export const operations: Readonly<Record<string, Operation>>;
