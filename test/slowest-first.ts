import { BaseSequencer, type TestSequencerConstructor, type TestSpecification } from "vitest/node";

/** The files whose paths have these parts begin first, in this order, so that none is left to run alone at the end. */
export function slowestFirst(slowest: readonly string[]): TestSequencerConstructor {
  const rank = ({ moduleId }: TestSpecification) => {
    const found = slowest.findIndex((part) => moduleId.includes(`/test/${part}`));
    return found < 0 ? slowest.length : found;
  };
  return class extends BaseSequencer {
    override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
      return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
    }
  };
}
