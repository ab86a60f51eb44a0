import fs from "node:fs";
import path from "node:path";
import { record } from "../activity/log.ts";
import { cleanupDead, endSession } from "../agents/leave.ts";
import { callsOf, registrations } from "../agents/registry.ts";
import { type Claim, sayTargets } from "../claims/claim.ts";
import { changeClaims, readClaims } from "../claims/ledger.ts";
import type { Context } from "../context.ts";
import { RelayError, systemError } from "../errors.ts";
import { newId, newNonce } from "../id.ts";
import { compose, systemDraft } from "../messages/message.ts";
import { isThere } from "../project/trust.ts";
import { FORMAT } from "../store/format.ts";
import { iso } from "../time.ts";

/** Ends every session, gives back every claim, and lets nobody new register. Returns the sessions. */
export async function finish(context: Context): Promise<string[]> {
  const { store, now } = context;
  const finished_at = iso(now());
  if (!(await isThere(context)))
    throw new RelayError("not_found", "Cannot finish: there is no relay here", { next: "agent-relay whoami" });
  await store.update("relay", (relay) => ({ ...(relay ?? newRelay(now())), finished_at }));
  await cleanupDead(context);
  const holders = new Map<string, Claim[]>();
  for (const claim of (await readClaims(context)).claims)
    holders.set(claim.session_id, [...(holders.get(claim.session_id) ?? []), claim]);
  const ended: string[] = [];
  for (const agent of await registrations(context)) if (await endSession(context, agent)) ended.push(agent.session_id);
  if ((await readClaims(context)).claims.length > 0)
    await changeClaims(context, (claims) => ({ claims: { ...claims, claims: [], queue: [], edges: [] }, result: 0 }));
  for (const [holder, lost] of holders) if (holder !== context.session) await tellEnded(context, holder, lost);
  await record(context, { event: "relay.finished" });
  return ended;
}

/** Tells a holder, for its return, what it lost. The relay itself is the sender: nobody may register to send it. */
async function tellEnded(context: Context, holder: string, lost: readonly Claim[]): Promise<void> {
  const { store, session, now } = context;
  const called = (await callsOf(context, [session]))(session);
  const what = lost.map((claim) => sayTargets(claim.targets)).join(", ");
  const content = `${called} finished this project: your session was ended, and your claim on ${what} given back`;
  const draft = systemDraft(newId("msg", now()), holder, content, now());
  await store.publish(`messages/${draft.id}`, compose(draft, { kind: "status" }), { inboxes: [holder], isNew: true });
}

/** Lets sessions register again. False if it was not finished. */
export async function reopen(context: Context): Promise<boolean> {
  let was = false;
  if (!(await isThere(context))) return false;
  await context.store.update("relay", (relay) => {
    was = relay?.finished_at !== undefined;
    if (!relay || !was) return relay;
    const { finished_at: _, ...open } = relay;
    return open;
  });
  if (was) await record(context, { event: "relay.reopened" });
  return was;
}

function newRelay(time: number): Readonly<Record<string, unknown>> {
  return { format: FORMAT, id: newId("relay", time), created_at: iso(time) };
}

/** Removes the whole relay. Throws `not_found`, and `refused` for a folder that is no relay. */
export function forget(dir: string): void {
  try {
    if (!fs.existsSync(dir)) throw new RelayError("not_found", `Cannot forget "${dir}": there is no relay`);
    // A project may have a relay.json of its own, such as that of an export: a relay needs the other two as well.
    const parts = ["relay.json", "messages", "drafts"].map((name) => path.join(dir, name));
    if (!parts.every((part) => fs.existsSync(part)) || fs.lstatSync(dir).isSymbolicLink())
      throw new RelayError("refused", `Cannot forget "${dir}": it is not a relay's own folder`);
    const away = `${dir}.forgotten-${newNonce()}`; // renamed at once, so that nobody meets half a relay
    fs.renameSync(dir, away);
    try {
      fs.rmSync(away, { recursive: true });
    } catch (error) {
      if (!fs.existsSync(dir)) fs.renameSync(away, dir); // puts what is left back where it was
      throw error;
    }
  } catch (error) {
    throw systemError(`forget "${dir}"`, error);
  }
}
