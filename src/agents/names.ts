import type { Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { hash } from "../hash.ts";
import { newNonce } from "../id.ts";
import { isSegment } from "../store/key.ts";
import { valueOrSkipped } from "../store/read.ts";
import type { Value } from "../store/store.ts";
import { type Agent, checkName, isName } from "./agent.ts";
import { endSession } from "./leave.ts";
import { processState } from "./processes.ts";
import { find, readAgent } from "./registry.ts";
import type { Addressee } from "./resolve.ts";

/** Readable names for a session, the same ones for the same id: `claude-brave-otter`, then others. */
export function* namesFor(agentId: string, session: string): Generator<string> {
  const tool =
    agentId
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, "-")
      .slice(0, 32)
      .replaceAll(/^-+|-+$/g, "") || "agent";
  let seed = hash(session);
  for (let turn = 0; turn < 1000; turn++) {
    const adjective = ADJECTIVES[seed % ADJECTIVES.length];
    const animal = ANIMALS[Math.floor(seed / ADJECTIVES.length) % ANIMALS.length];
    yield turn < 20 ? `${tool}-${adjective}-${animal}` : `${tool}-${adjective}-${animal}-${turn}`;
    seed = hash(`${session} ${turn}`);
  }
}

const ADJECTIVES =
  "able amber bold brave brisk calm clear clever cosy deft eager early fair fleet fond free fresh gentle glad golden grand happy hardy keen kind light lively loyal lucky merry mild neat noble patient plain polite prime proud quick quiet rapid ready rosy sharp silver simple smooth solid spry steady still sunny sure swift tidy tranquil true vivid warm wise witty young zesty agile".split(
    " ",
  );
const ANIMALS =
  "ant badger bear beaver bee bison crane crow deer dolphin dove eagle elk falcon finch fox frog gecko goat goose hare hawk heron horse ibex jay koala lark lemur lion lizard llama lynx magpie marten mole moose moth mouse newt ocelot orca otter owl panda parrot pelican pony puffin quail rabbit raven robin salmon seal shrew sparrow stork swan swift tapir toad trout turtle vole walrus weasel whale wolf wren yak zebra".split(
    " ",
  );

/** Throws `conflict` if this session's id is another's name: messages to that name would reach this session instead. */
export async function refuseNamesake(context: Context): Promise<void> {
  const { store, session } = context;
  if (!isName(session) || (await readAgent(store, "agents", session))) return;
  const holder = holderIn(await valueOrSkipped(store, `names/${session}`));
  if (holder === undefined || holder === session || (await readAgent(store, "agents", holder))?.name !== session)
    return;
  throw new RelayError("conflict", `Cannot register "${session}": session ${holder} has that as its name`, {
    next: `agent-relay register --session ${session}-2`,
  });
}

/** Reserves a name: `wanted`, else `old` or the first free one. Throws `conflict` if another session has `wanted`. */
export async function takeName(context: Context, wanted: string | undefined, old: string | undefined): Promise<string> {
  if (wanted !== undefined) {
    if (wanted !== context.session && (await find(context, checkName(wanted)))) throw nameTaken(wanted, wanted);
    const holder = await reserve(context, checkName(wanted));
    if (holder === context.session) return wanted;
    throw nameTaken(wanted, holder);
  }
  if (old !== undefined && isName(old) && (await reserve(context, old)) === context.session) return old;
  for (const name of namesFor(context.agent, context.session))
    if ((await reserve(context, name)) === context.session) return name;
  throw new RelayError("failed", `Cannot find a free name for "${context.session}"`, { next: "give one with --name" });
}

export function nameTaken(name: string, holder: string): RelayError {
  return new RelayError("conflict", `Cannot take the name "${name}": session ${holder} has it`, {
    next: "choose another --name, or see agent-relay agents",
  });
}

/** Takes `name` if it is free or its holder no longer uses it. Returns the session that holds it then. */
async function reserve(context: Context, name: string): Promise<string> {
  const { store, session } = context;
  const mine = { session_id: session, turn: newNonce() };
  const key = `names/${name}`;
  if (await store.create(key, mine)) return session;
  const seen = await valueOrSkipped(store, key);
  const holder = holderIn(seen);
  if (holder === session) return session;
  const named = holder === undefined ? undefined : await readAgent(store, "agents", holder);
  if (named?.name === name && processState(named) === "dead") await endSession(context, named);
  else if (named?.name === name && holder !== undefined) return holder;
  // Compare `turn` too: between our read and our write the holder may have confirmed the name.
  const isAsSeen = (current: Value | undefined) => holderIn(current) === holder && current?.turn === seen?.turn;
  try {
    const now = await store.update(key, (current) => (isAsSeen(current) ? mine : current));
    return holderIn(now) ?? reserve(context, name);
  } catch (error) {
    // On a server, a name stays its user's after the session has ended.
    if (error instanceof RelayError && error.code === "refused" && holder !== undefined) return holder;
    throw error;
  }
}

/** Confirms a reserved name once its registration is visible. False if another took it: exactly one of the two wins. */
export async function keepName({ store, session }: Context, name: string): Promise<boolean> {
  const mine = { session_id: session, turn: newNonce() };
  const now = await store.update(`names/${name}`, (current) => (holderIn(current) === session ? mine : current));
  return holderIn(now) === session;
}

/** The session that holds a name; undefined for a record that names none. */
function holderIn(record: Value | undefined): string | undefined {
  const holder = record?.session_id;
  return typeof holder === "string" && isSegment(holder) ? holder : undefined;
}

/** Who has a name here and no registration that can be read: mail waits for it, and is no one's elsewhere. */
export async function lostHolders(
  { store }: Context,
  words: readonly string[],
  known: readonly Agent[],
): Promise<Addressee[]> {
  const found: Addressee[] = [];
  for (const word of words.filter((each) => isName(each) && !known.some(({ name }) => name === each))) {
    const session_id = holderIn(await valueOrSkipped(store, `names/${word}`));
    const isLost = session_id !== undefined && !known.some((agent) => agent.session_id === session_id);
    if (isLost) found.push({ session_id, agent_id: "unknown", name: word });
  }
  return found;
}
