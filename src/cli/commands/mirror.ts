import fs from "node:fs";
import path from "node:path";
import { formatDuration } from "../../duration.ts";
import { RelayError } from "../../errors.ts";
import { serverUrl } from "../../identity/servers.ts";
import { keepMirroring } from "../../mirror/loop.ts";
import type { Replicas } from "../../mirror/replica.ts";
import { Mirror } from "../../mirror/round.ts";
import { forgetMirror, mirroredTo, noteMirrored, runAlone, runnerOf } from "../../mirror/runner.ts";
import { fileStore, projectOf, trustedDirs } from "../../open/open.ts";
import { remoteRelay } from "../../open/remote.ts";
import { ensureRelay } from "../../project/trust.ts";
import { AGREED, APART, LAST_AGREED, REFUSED } from "../../project/upstream.ts";
import type { Store } from "../../store/store.ts";
import { cleanLine } from "../../text.ts";
import { dayOf, iso } from "../../time.ts";
import type { Cli } from "../cli.ts";
import { defineVerb } from "../command.ts";
import type { FlagsOf, FlagTable } from "../flag-table.ts";

const FLAGS = {
  "--once": "until both agree, and no longer",
  "--status": "say what is mirrored here, and whether both agree",
  "--forget": "mirror it no more: this relay is one of its own again",
} as const satisfies FlagTable;

type Flags = FlagsOf<typeof FLAGS>;

const MAX_AHEAD_MS = 60_000; // that clocks may differ before leases last visibly longer here than there

export const verb = defineVerb({
  name: "mirror",
  about: "Keep this project's relay and a server's the same, so that agents here touch nothing but files.",
  words: { "[url]": "the server's relay, such as http://192.168.1.7:4800; default the one it was before" },
  flags: FLAGS,
  note: "Without the server agents go on working; what they claim meanwhile is tentative, and the server decides.",
  example: "agent-relay mirror http://192.168.1.7:4800",
  run: (cli, flags, { url }) => chosen(cli, url, flags),
});

async function chosen(cli: Cli, url: string | undefined, flags: Flags): Promise<void> {
  if ([flags.once, flags.status, flags.forget].filter(Boolean).length > 1)
    throw new RelayError("usage", "Cannot do two of --once, --status and --forget: give one of them");
  if ((flags.status || flags.forget) && url !== undefined)
    throw new RelayError(
      "usage",
      "Cannot use an address with --status or --forget: they are about what is mirrored here",
    );
  if (flags.status) return status(cli);
  return flags.forget ? forget(cli) : mirror(cli, url, flags);
}

function openedFor(cli: Cli) {
  const options = cli.openOptions();
  const { dir } = projectOf({ ...options, server: undefined });
  const local = fileStore(dir, { ...options, trusted: trustedDirs(options) });
  return { dir, local, project: path.dirname(dir), now: cli.io.now };
}

async function mirror(cli: Cli, word: string | undefined, flags: Flags): Promise<void> {
  const { io } = cli;
  const { dir, local, project } = openedFor(cli);
  const url = serverUrl(word ?? (await urlBefore(local)));
  const remote = remoteRelay(url.href, io.env, io.now);
  const relay = await theirRelay(remote.store, url.href);
  if ((await ensureRelay(local, io.now)) === relay)
    throw new RelayError("usage", `Cannot mirror ${url.href}: that is this very relay`, { next: "agent-relay status" });
  const owner = (await remote.store.served?.owner?.()) ?? undefined;
  await local.carryOver(); // the two sides are compared
  const stop = await runAlone(local);
  const steady = steadied();
  const stores = new Map<string, ReturnType<typeof remote.as>>();
  const replicas: Replicas = {
    ...{ project, local, owner, relay, now: io.now, ahead: () => steady(remote.clockAhead()) },
    remote(session) {
      const store = stores.get(session) ?? remote.as(session);
      stores.set(session, store);
      return store;
    },
    notice: (text) => io.err(`note: ${cleanLine(text)}\n`),
  };
  try {
    await noteMirrored(local, { url: url.href, relay, ...(owner !== undefined && { owner }), since: iso(io.now()) });
    const ahead = Math.round(remote.clockAhead());
    if (Math.abs(ahead) > MAX_AHEAD_MS)
      replicas.notice(
        `the server's clock is ${formatDuration(Math.abs(ahead))} ${ahead > 0 ? "ahead of" : "behind"} this machine's: set them`,
      );
    const mirror = new Mirror(replicas);
    if (flags.once) await once(cli, mirror, project, url.href);
    else await forGood(cli, mirror, replicas, dir, url.href);
  } finally {
    for (const store of stores.values()) await store.close();
    await stop();
    await local.close();
  }
}

/**
 * Steadies the difference of two clocks (ms), which varies with how long each answer takes: it changes only by 3 s or
 * more, to whole seconds.
 */
function steadied(): (ms: number) => number {
  let last = 0;
  return (ms) => {
    if (Math.abs(ms - last) >= 3000) last = Math.round(ms / 1000) * 1000;
    return last;
  };
}

async function once(cli: Cli, mirror: Mirror, project: string, url: string): Promise<void> {
  await mirror.round();
  await mirror.round(); // others may have answered what the first round changed there
  await cli.say({ project, url, agreed: true }, `${cleanLine(project)} and ${url} agree\n`);
}

async function forGood(cli: Cli, mirror: Mirror, replicas: Replicas, dir: string, url: string): Promise<void> {
  const { io } = cli;
  const { owner, project } = replicas;
  await cli.say(
    { project, url, owner: owner ?? null },
    `Mirroring ${cleanLine(project)} to ${url}${owner === undefined ? "" : ` as ${owner}`}; Ctrl-C ends it, and it goes on from there\n`,
  );
  const end = new AbortController();
  io.onInterrupt(() => end.abort());
  await keepMirroring({
    ...{ mirror, replicas, signal: end.signal },
    stampOf: (folder) => stampOf(path.join(dir, folder === "activity" ? `activity/${dayOf(io.now())}.jsonl` : folder)),
    onAgreed: () => io.err("Both agree\n"),
    onLost: (error) =>
      io.err(`${error.message}; agents here go on, what they claim is tentative, and it is tried again\n`),
  });
}

/** A stamp that differs once the names in a folder, or the length of a file, have changed. */
function stampOf(file: string): string {
  const found = fs.lstatSync(file, { throwIfNoEntry: false });
  return found ? `${found.mtimeMs} ${found.size}` : "none";
}

async function urlBefore(local: ReturnType<typeof fileStore>): Promise<string> {
  const before = await mirroredTo(local);
  if (before) return before.url;
  throw new RelayError("usage", "Cannot mirror to nowhere: this relay was not mirrored before", {
    next: "agent-relay mirror http://host:4800",
  });
}

async function theirRelay(store: Store, url: string): Promise<string> {
  const { id } = (await store.get("relay")) ?? {};
  if (typeof id === "string") return id;
  throw new RelayError("not_found", `Cannot mirror ${url}: there is no relay, or none that you are let in to`, {
    next: `agent-relay --server ${url} status`,
  });
}

async function status(cli: Cli): Promise<void> {
  const { local, project, now } = openedFor(cli);
  const mirrored = await mirroredTo(local);
  if (!mirrored)
    throw new RelayError("not_found", `Cannot tell of a mirror: ${project} is not mirrored`, {
      next: "agent-relay mirror URL",
    });
  const [pid, agreed, last] = [await runnerOf(local), await local.markedAt(AGREED), await local.markedAt(LAST_AGREED)];
  const before = last ?? agreed;
  const since = before === undefined ? "never agreed" : `agreed ${formatDuration(Math.max(0, now() - before))} ago`;
  const when = `${since}${before !== undefined && agreed === undefined ? ", cannot reach it now" : ""}`;
  const who = pid === undefined ? "no process mirrors now" : `process ${pid} mirrors`;
  const [apart, refused] = [await local.marks(APART), await local.marks(REFUSED)];
  const kept = [
    ...apart.map((session) => `nothing of the session ${session} is passed on: the server has another of that id\n`),
    ...(refused.length === 0 ? [] : [`${refused.length} messages are not passed on yet, such as ${refused[0]}\n`]),
  ];
  const help = pid === undefined ? "Try: agent-relay mirror\n" : "";
  await cli.say(
    { ...mirrored, pid: pid ?? null, agreed_at: before ?? null, is_reached: agreed !== undefined, apart, refused },
    `${cleanLine(project)} is mirrored to ${cleanLine(mirrored.url)}: ${when}, ${who}\n${kept.join("")}${help}`,
  );
}

async function forget(cli: Cli): Promise<void> {
  const { local, project, now } = openedFor(cli);
  const mirrored = await mirroredTo(local);
  if (!mirrored) throw new RelayError("not_found", `Cannot forget the mirror: ${project} is not mirrored`);
  const stop = await runAlone(local);
  await forgetMirror(local, project, now);
  await stop();
  await cli.say(
    { project, url: mirrored.url },
    `${cleanLine(project)} is mirrored to ${cleanLine(mirrored.url)} no more\n`,
  );
}
