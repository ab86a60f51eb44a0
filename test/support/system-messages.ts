import type { Message, Store } from "../../src/index.ts";

/** What the relay itself has written to a session, by what is stored: without a look that could do it. */
export async function toldTo(store: Store, session: string): Promise<string[]> {
  const told: string[] = [];
  for (const id of await store.list("messages")) {
    const message = (await store.get(`messages/${id}`)) as Message | undefined;
    if (message?.from_session === "system" && message.to_session === session) told.push(message.content);
  }
  return told;
}
