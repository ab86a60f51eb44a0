import { callsOf } from "../agents/registry.ts";
import { type Claim, sayTargets } from "../claims/claim.ts";
import { giveBackById, type ReleaseOptions, release } from "../claims/claims.ts";
import { factsOf, readClaims } from "../claims/ledger.ts";
import { isLive } from "../claims/rules.ts";
import type { Context } from "../context.ts";
import { eachReadable } from "../store/read.ts";
import type { Message } from "./message.ts";
import { readMessage } from "./records.ts";
import { reply, send } from "./send.ts";

/** Gives back claims, and tells their holders, if taken by force, and the sessions that asked this one to yield. */
export async function releaseAndTell(
  context: Context,
  paths: readonly string[] | "all",
  options?: ReleaseOptions,
): Promise<Claim[]> {
  const given = await release(context, paths, options);
  if (given.length > 0) await announceReleased(context, given);
  await context.settle();
  return given;
}

/** Gives one claim back, if this session holds it still, and tells those who asked it to yield. */
export async function giveBackAndTell(context: Context, { id }: Pick<Claim, "id">): Promise<void> {
  const held = (await readClaims(context)).claims.find((claim) => claim.id === id);
  if (held?.session_id !== context.session) return;
  await giveBackById(context, id);
  await announceReleased(context, [held]);
  await context.settle();
}

async function announceReleased(context: Context, given: readonly Claim[]): Promise<void> {
  for (const lost of given.filter((claim) => claim.session_id !== context.session)) await tellLoser(context, lost);
  await answerYields(context, given);
}

async function answerYields(context: Context, given: readonly Claim[]): Promise<void> {
  const { store, session } = context;
  const released = new Map(given.filter((claim) => claim.session_id === session).map((claim) => [claim.id, claim]));
  if (released.size === 0) return;
  for (const folder of [`inboxes/${session}`, `inboxes/${session}/open`])
    for await (const [id, message] of eachReadable(store, await store.marks(folder), (id) => readMessage(store, id))) {
      const claim = (message?.claims ?? []).map((each) => released.get(each)).find((each) => each !== undefined);
      if (claim && message?.kind === "request-yield" && message.to_session === session)
        await reply(context, id, `I have released ${sayTargets(claim.targets)}`, { kind: "ack" });
    }
}

/** Answers a request to yield claims, if this session holds none of them any more. Returns whether it did. */
export async function answerIfEnded(context: Context, { id, claims: asked = [] }: Message): Promise<boolean> {
  const all = await readClaims(context);
  const claims = all.claims.filter((claim) => claim.session_id === context.session && asked.includes(claim.id));
  const facts = await factsOf(context, { ...all, claims });
  if (claims.some((claim) => isLive(claim, facts))) return false;
  await reply(context, id, "I do not hold that any more", { kind: "ack" });
  return true;
}

async function tellLoser(context: Context, lost: Claim): Promise<void> {
  const me = (await callsOf(context, [context.session]))(context.session);
  const text = `${me} took your claim on ${sayTargets(lost.targets)} away from you (--force)`;
  await send(context, text, { to: lost.session_id, kind: "status", keep: true });
}
