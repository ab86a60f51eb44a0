import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { buildSync } from "esbuild";
import { expect } from "vitest";
import { Relay } from "../../src/relay.ts";
import { processorTimeOf } from "./cpu-time.ts";

/** A relay in a throw-away folder, by a clock the test holds, in which ann wrote "good" to bob a minute ago. */
export class Ground {
  static readonly NOON = Date.parse("2026-03-01T12:00:00.000Z");

  readonly base = fs.mkdtempSync(path.join(os.tmpdir(), "relay-ground-"));
  readonly root = path.join(this.base, "project", ".relay");
  clock = Ground.NOON;

  static async make(): Promise<Ground> {
    const ground = new Ground();
    await ground.as("ann").agents.register({ name: "ann" });
    await ground.as("bob").agents.register({ name: "bob" });
    await ground.as("ann").send("good", { to: "bob" });
    ground.clock += 61_000; // time for a foreign look
    return ground;
  }

  as(session: string): Relay {
    return new Relay(this.root, { session, agent: "claude", durability: "process", now: () => this.clock });
  }

  remove(): void {
    fs.rmSync(this.base, { recursive: true, force: true });
  }
}

const MOST = 1000; // ms of a processor that one look may take, whatever lies in the folder

/** What a call gives, if it took no longer than it may: of the processor, since what else runs here may take the rest. */
export async function within<T>(call: Promise<T>): Promise<T> {
  const { ms, result } = await processorTimeOf(call);
  expect(ms).toBeLessThan(MOST);
  return result;
}

/** The library as one CommonJS file in `folder`, for processes that this project's folder is hidden from. */
export function bundledLibrary(folder: string): string {
  const outfile = path.join(folder, "relay.cjs");
  const entry = path.resolve(import.meta.dirname, "../../src/index.ts");
  buildSync({ entryPoints: [entry], outfile, bundle: true, platform: "node", format: "cjs", logLevel: "error" });
  return outfile;
}
