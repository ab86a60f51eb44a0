import { isSegment } from "../store/key.ts";
import { hasLeft } from "./agents.ts";
import { orNotice, type Replicas } from "./replica.ts";

/** Copies each decision to the side that lacks it: decisions are kept for good. */
export async function exchangeDecisions(replicas: Replicas, ours: ReadonlySet<string>): Promise<void> {
  const { local, remote } = replicas;
  const any = remote("");
  const [here, there] = [await local.list("decisions"), await any.list("decisions")];
  const [hereToo, thereToo] = [new Set(here), new Set(there)];
  for (const id of there.filter((each) => !hereToo.has(each)))
    await orNotice(replicas, `decision ${id}`, async () => {
      const decision = await any.get(`decisions/${id}`);
      if (decision) await local.create(`decisions/${id}`, decision);
    });
  for (const id of here.filter((each) => !thereToo.has(each)))
    await orNotice(replicas, `decision ${id}`, async () => {
      const decision = await local.get(`decisions/${id}`);
      const by = String(decision?.session_id);
      if (decision && isSegment(by) && (ours.has(by) || (await hasLeft(replicas, by))))
        await remote(by).create(`decisions/${id}`, decision);
    });
}
