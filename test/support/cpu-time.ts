/**
 * The ms of a processor that `act` took, with what it gave: what else runs on the machine takes no part in it. Right for
 * tests that run by themselves in their process, as those of one file do.
 */
export function processorTime<T>(act: () => T): { readonly ms: number; readonly result: T } {
  const before = process.cpuUsage();
  const result = act();
  return { result, ms: since(before) };
}

/** The same of a call that takes its time. */
export async function processorTimeOf<T>(call: Promise<T>): Promise<{ readonly ms: number; readonly result: T }> {
  const before = process.cpuUsage();
  const result = await call;
  return { result, ms: since(before) };
}

function since(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
