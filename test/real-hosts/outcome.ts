import { afterAll, beforeAll, beforeEach, onTestFailed } from "vitest";
import type { RealHost } from "./hosts.ts";
import { whyNotIsolated } from "./namespace.ts";
import { installed } from "./packages.ts";
import { Case } from "./project.ts";

const whyNot = whyNotIsolated();

/**
 * What came of a host's work, for the tests beside this call; it is done once, before them. Where it cannot be, they are
 * skipped, and it is said why. The folder with all that was sent and written stays if one of them fails.
 */
export function outcomeOf<T>(host: RealHost, work: (at: Case) => Promise<T>): () => { at: Case; was: T } {
  let skipped = whyNot;
  let at: Case | undefined;
  let outcome: { at: Case; was: T } | undefined;
  let isKept = true; // until all is well

  beforeAll(async () => {
    const program = skipped === undefined ? installed(host.name, host.spec) : { whyNot: skipped };
    if ("whyNot" in program) {
      skipped = program.whyNot;
      console.log(`${host.name}: skipped: ${skipped}`);
      return;
    }
    at = new Case(host, program.folder);
    await at.open();
    outcome = { at, was: await work(at) };
    isKept = false;
  });

  beforeEach((context) => {
    context.skip(skipped !== undefined, skipped);
    onTestFailed(() => {
      isKept = true;
    });
  });

  afterAll(() => {
    at?.close();
    if (at && isKept) console.log(`${host.name}: its requests and all that it wrote are in ${at.folder}\n${at.said}`);
    else at?.remove();
  });

  return () => {
    if (!outcome) throw new Error(`${host.name} has not worked`);
    return outcome;
  };
}
