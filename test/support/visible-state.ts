import type { Store, Value } from "../../src/store/store.ts";

/**
 * All of a relay that everyone may see, in a form in which equal is equal: without what each machine finds out of a
 * message's origin itself, from a signature that is made when the message leaves its machine.
 */
export async function seen(store: Store): Promise<Value> {
  const records = async (folder: string, strip: (value: Value) => unknown, isMeant = (_: Value) => true) => {
    const found: unknown[] = [];
    for (const name of await store.list(folder)) {
      const value = await store.get(`${folder}/${name}`);
      if (value && isMeant(value)) found.push(strip(value));
    }
    return found;
  };
  const lines: string[] = [];
  for (const day of await store.logs("activity"))
    for await (const line of store.lines(`activity/${day}`)) lines.push(JSON.stringify(line));
  const claims = await store.get("claims/live");
  return {
    messages: await records(
      "messages",
      ({ read_by, proof: _, signature: __, ...rest }) => ({ ...rest, read_by: [...(read_by as string[])].sort() }),
      ({ to_session }) => to_session === null,
    ),
    agents: await records("agents", ({ session_id, name, role, status }) => ({ session_id, name, role, status })),
    claims: claims?.claims ?? [],
    tasks: await records(
      "tasks",
      (task) => task,
      ({ id }) => id !== undefined,
    ),
    decisions: await records("decisions", (decision) => decision),
    lines: lines.sort(),
  };
}
