import { createHash } from "node:crypto";
import fs from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FileStore } from "../../dist/index.js";
import { type Change, ModelDisk, materialise, type Outcome } from "./disk-model.ts";
import { expectWhole, records } from "./invariants.ts";
import { Ground } from "./prepared-scenes.ts";
import { performAgain, SCENES, type Scene } from "./scenes.ts";
import { inPairs } from "./workers.ts";

const OPERATIONS = [
  "send to one",
  "send to several",
  "send to all",
  "first send of all",
  "ack",
  "register",
  "inbox",
  "unregister",
  "task add",
  "first write to format 1",
];
const ALL_OF = 2 ** 12; // up to so many ways a disk may look like at one point are all looked at ...
const SAMPLES = 512; // ... and so many of more
const OPENED = 240; // different disks of one operation that a reader opens
const LEASES = ["shows"]; // these need not outlive their holder, let alone the power

const ground = new Ground("power");
let points = 0;

/** A disk as a power cut may leave it, and whether the operation had returned. */
interface Cut {
  readonly outcome: Outcome;
  readonly acknowledged: boolean;
}

beforeAll(() => {
  console.log("power: the recorded trace on a model disk that forgets any subset of what was not yet fsynced");
});
afterAll(() => {
  console.log(`power: ${points} points in all`);
  ground.clear();
});

for (const scene of SCENES.filter(({ name }) => OPERATIONS.includes(name)))
  test(`${scene.name}: whenever the power fails, what was acknowledged is whole, and the rest is whole or absent`, async () => {
    const home = await ground.template(scene);
    const trace = await ground.calls<Change>(scene, home, "record");
    const random = generator(1);
    const cuts = new Map<string, Cut>();
    let looked = 0;
    const disk = new ModelDisk(home);
    for (let point = 0; point <= trace.length; point++) {
      const change = trace[point - 1];
      if (change) disk.apply(change);
      const acknowledged = point === trace.length;
      for (const chosen of ways(disk.choices(), random)) {
        const outcome = disk.outcome(chosen);
        cuts.set(`${acknowledged} ${fingerprint(outcome)}`, { outcome, acknowledged });
        looked++;
      }
    }
    const opened = sample([...cuts.values()], random);
    await inPairs(opened, (cut) => openAfter(scene, cut), 4);
    points += trace.length + 1;
    console.log(
      `power: ${scene.name}: ${trace.length + 1} points, ${looked} ways to fail, ${cuts.size} different disks, ${opened.length} opened`,
    );
  });

test("a relay that was being made when its maker was killed lasts once the next sender was told so", async () => {
  const scene = SCENES.find(({ name }) => name === "first send of all");
  if (!scene) throw new Error("There is no scene of a first send");
  const home = await ground.template(scene);
  const trace = await ground.calls<Change>(scene, home, "record");
  const lost: string[] = [];
  await inPairs([...trace.keys()], async (end) => {
    const disk = new ModelDisk(home);
    for (const change of trace.slice(0, end)) disk.apply(change);
    const left = ground.empty();
    materialise(disk.outcome(disk.choices().map(() => 1)), left);
    const next = await ground.calls<Change>(scene, left, "record");
    for (const change of next) disk.apply(change);
    const sent = next.findLast(({ call, to }) => call === "rename" && to?.startsWith("/.relay/messages/"))?.to ?? "";
    if (!disk.outcome(disk.choices().map(() => 0)).has(sent)) lost.push(`killed after ${describe(trace[end - 1])}`);
    ground.drop(left);
  });
  points += trace.length;
  console.log(`power: a killed maker, then a send: ${trace.length} points`);
  expect(lost, "where the maker was killed, and the next one's acknowledged message is forgotten").toEqual([]);
});

function describe(change: Change | undefined): string {
  return `${change?.call} ${change?.to ?? change?.path ?? ""}`;
}

async function openAfter(scene: Scene, { outcome, acknowledged }: Cut): Promise<void> {
  const home = ground.empty();
  materialise(outcome, home);
  reboot(`${home}/.relay`);
  await readAsNextProcess(`${home}/.relay`);
  expectWhole(`${home}/.relay`, LEASES);
  // What a reader was shown is on his screen, which no disk can tell: what is marked counts as shown.
  const shown = markedFor("bob", `${home}/.relay`);
  await scene.check({ home, acknowledged, shown, again: () => performAgain(scene.name, `${home}/.relay`) });
  expectWhole(`${home}/.relay`, LEASES);
  ground.drop(home);
}

/** The mark that says that this boot has looked is another boot's after a reboot. */
function reboot(dir: string): void {
  if (!fs.existsSync(`${dir}/stamps`)) return;
  for (const name of fs.readdirSync(`${dir}/stamps`))
    if (name.startsWith("boot.")) fs.unlinkSync(`${dir}/stamps/${name}`);
}

const MENDED = ["messages", "agents", "archive/agents", "tasks", "waits", "claims", "decisions", "members", "invites"];

/** Who reads a record first mends it, if it was written together with others and did not come to the disk. */
async function readAsNextProcess(dir: string): Promise<void> {
  const store = new FileStore(dir);
  for (const folder of MENDED) for (const id of await store.list(folder)) await store.get(`${folder}/${id}`);
}

function markedFor(session: string, dir: string): string[] {
  return records(dir, "messages").flatMap(({ id, read_by }) =>
    Array.isArray(read_by) && read_by.includes(session) ? [String(id)] : [],
  );
}

/** Every way to choose, or where there are too many the plain ones and random ones. */
function* ways(choices: readonly number[], random: () => number): Generator<number[]> {
  if (choices.reduce((product, count) => product * count, 1) <= ALL_OF) return yield* all(choices);
  for (const [some, other] of [
    [0, 1],
    [1, 0],
  ] as const)
    for (let index = 0; index <= choices.length; index++) {
      yield choices.map((_, each) => (each === index ? some : other));
      yield choices.map((_, each) => (each < index ? some : other));
    }
  for (let turn = 0; turn < SAMPLES; turn++) {
    const bias = random();
    yield choices.map((count) => (random() < bias ? 0 : Math.floor(random() * count)));
  }
}

function* all(choices: readonly number[]): Generator<number[]> {
  const [count, ...rest] = choices;
  if (count === undefined) return yield [];
  for (const others of all(rest)) for (let first = 0; first < count; first++) yield [first, ...others];
}

/** At most so many as are opened; half of them from after the acknowledgement, if there are so many. */
function sample(cuts: readonly Cut[], random: () => number): Cut[] {
  const shuffled = cuts
    .map((cut) => ({ cut, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ cut }) => cut);
  const after = shuffled.filter((cut) => cut.acknowledged);
  const before = shuffled.filter((cut) => !cut.acknowledged);
  const room = Math.max(OPENED / 2, OPENED - before.length);
  return [...after.slice(0, room), ...before.slice(0, OPENED - Math.min(room, after.length))];
}

/** What tells two disks apart. Drafts that only their dead writer knew of make no difference to a reader. */
function fingerprint(outcome: Outcome): string {
  const lines = [...outcome].filter(([at]) => !/\/(start-|drafts\/new-)/.test(at)).sort(([a], [b]) => (a < b ? -1 : 1));
  const hash = createHash("sha256");
  for (const [at, data] of lines) hash.update(`${at}\0${data.length}\0`).update(data);
  return hash.digest("hex");
}

/** A small seeded generator (mulberry32), so that every run tries the same. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
