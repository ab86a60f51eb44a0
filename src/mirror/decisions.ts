import type { Sides } from "./sides.ts";

/** Decisions are kept for good: each is in both places. */
export async function exchangeDecisions({ local, remote }: Sides, own: ReadonlySet<string>): Promise<void> {
  const any = remote("");
  const [here, there] = [await local.list("decisions"), await any.list("decisions")];
  for (const id of there.filter((each) => !here.includes(each))) {
    const decision = await any.get(`decisions/${id}`);
    if (decision) await local.create(`decisions/${id}`, decision);
  }
  for (const id of here.filter((each) => !there.includes(each))) {
    const decision = await local.get(`decisions/${id}`);
    const by = String(decision?.session_id);
    if (decision && own.has(by)) await remote(by).create(`decisions/${id}`, decision);
  }
}
