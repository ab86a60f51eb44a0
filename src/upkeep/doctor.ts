import fs from "node:fs";
import path from "node:path";
import { Entry } from "../activity/entry.ts";
import { Agent } from "../agents/agent.ts";
import { processState } from "../agents/processes.ts";
import { ClaimLedger } from "../claims/rules.ts";
import { Decision } from "../decisions/decision.ts";
import { errno, RelayError } from "../errors.ts";
import { makeFolders } from "../folders.ts";
import { worktreesOf } from "../git/repository.ts";
import { newNonce } from "../id.ts";
import { Message } from "../messages/message.ts";
import { bearsOurMark } from "../project/trust.ts";
import type { Schema } from "../schema.ts";
import { quoted } from "../shell/quote.ts";
import { FileStore } from "../store/file/file-store.ts";
import { readRecord, Unusable } from "../store/file/files.ts";
import { recordsSetAside } from "../store/file/quarantine.ts";
import { findRoot } from "../store/file/root.ts";
import { TOGETHER } from "../store/file/tree.ts";
import { FORMAT } from "../store/format.ts";
import { Task } from "../tasks/task.ts";
import { Wait } from "../waits/wait.ts";
import { backlogs } from "./backlogs.ts";
import { disk } from "./disk.ts";
import type { DoctorCheck, DoctorTarget, Finding } from "./finding.ts";
import { guardGaps } from "./guard-gaps.ts";
import { hooks } from "./hook-failures.ts";
import { lostPrerequisites } from "./lost-prerequisites.ts";
import { notPassedOn } from "./mirrored.ts";

const OLD_DRAFT_MS = 600_000;
const OLD_LOCK_MS = 5000; // the lease of a lock
const MAX_AHEAD_MS = 600_000; // ms a clock may run ahead

export const DOCTOR_CHECKS: readonly DoctorCheck[] = [
  { name: "folder", look: folder },
  { name: "format", look: format },
  { name: "permissions", look: permissions },
  { name: "links", look: links },
  { name: "disk", look: disk },
  { name: "trust", look: trust },
  { name: "clock", look: clock },
  { name: "records", look: records },
  { name: "tasks", look: lostPrerequisites },
  { name: "log", look: log },
  { name: "pointers", look: pointers },
  { name: "backlogs", look: backlogs },
  { name: "drafts", look: drafts },
  { name: "locks", look: locks },
  { name: "dead holders", look: deadHolders },
  { name: "quarantine", look: quarantine },
  { name: "one relay", look: oneRelay },
  { name: "guard", look: guardGaps },
  { name: "mirror", look: notPassedOn },
  { name: "hooks", look: hooks },
];

function folder({ dir }: DoctorTarget): Finding[] {
  if (fs.existsSync(path.join(dir, "relay.json"))) return [];
  if (!fs.existsSync(dir))
    return [
      {
        what: `there is no relay at ${dir}`,
        next: "the first send makes it: agent-relay send hello",
        isHarmless: true,
      },
    ];
  const isAside = recordsSetAside(dir).some(({ key }) => key === "relay");
  const trusted = "if you trust what is in it, make it again: agent-relay trust";
  const next = isAside
    ? `mend it where it was set aside, then agent-relay quarantine retry relay; or, ${trusted}`
    : trusted;
  return [{ what: `${dir} has no relay.json, without which it is shown to no agent`, next }];
}

/** An older format is carried over by the first write too; a relay that is only read keeps it. */
function format({ dir }: DoctorTarget): Finding[] {
  const found = findRoot(dir, [dir]);
  if (found === undefined || found === FORMAT) return [];
  const fix = async () => {
    const changed = await new FileStore(dir, { trusted: [dir] }).carryOver();
    return `carried ${dir} over to format ${FORMAT}: ${changed} records`;
  };
  return [{ what: `${dir} is of format ${found}, and ${FORMAT} is written`, fix, isHarmless: true }];
}

function permissions({ dir }: DoctorTarget): Finding[] {
  if (process.platform === "win32") return [];
  const closed = ["", "messages", "drafts", "inboxes", "agents", "locks"]
    .map((name) => path.join(dir, name))
    .filter((folder) => isFolder(folder) && !isWritable(folder));
  const cannot = closed.map((folder) => ({
    what: `${folder} cannot be written to by you`,
    next: "give yourself the right to, or use another: --dir",
  }));
  return [...cannot, ...tooOpen(dir)];
}

function isWritable(folder: string): boolean {
  try {
    fs.accessSync(folder, fs.constants.W_OK | fs.constants.X_OK);
    return true;
  } catch (error) {
    if (errno(error) === undefined) throw error;
    return false;
  }
}

function tooOpen(dir: string): Finding[] {
  return walk(dir).flatMap(({ file, stat }) => {
    if ((stat.mode & 0o077) === 0 || stat.isSymbolicLink()) return [];
    const mode = stat.isDirectory() ? 0o700 : 0o600;
    return [
      {
        what: `${file} can be read by others (mode ${(stat.mode & 0o777).toString(8)})`,
        fix: () => {
          fs.chmodSync(file, mode);
          return `made ${file} ${mode.toString(8)}`;
        },
      },
    ];
  });
}

/** A relay that came with a cloned repository, or has lost its relay.json, is not put before a model. */
function trust({ dir }: DoctorTarget): Finding[] {
  const file = path.join(dir, "relay.json");
  if (!fs.existsSync(file) || faultOf(dir, file) !== undefined || bearsOurMark(readRecord(file), dir)) return [];
  return [{ what: `${dir} was made elsewhere: it is shown, and not put before a model`, next: "agent-relay trust" }];
}

/** Finds symbolic links inside the relay: the store refuses to follow any. */
function links({ dir }: DoctorTarget): Finding[] {
  return walk(dir)
    .filter(({ stat }) => stat.isSymbolicLink())
    .map(({ file }) => ({
      what: `${file} is a symbolic link, which is not followed`,
      next: "look at it, and remove it",
    }));
}

function clock({ dir, now }: DoctorTarget): Finding[] {
  const ahead = walk(dir).filter(({ stat }) => stat.mtimeMs > now + MAX_AHEAD_MS);
  return ahead.length === 0
    ? []
    : [
        {
          what: `${ahead.length} files are of a later time than now, such as ${ahead[0]?.file}`,
          next: "set the clock right; if it is, touch them",
        },
      ];
}

/** Reads each record's file directly: the store would set a bad one aside. */
function records({ dir }: DoctorTarget): Finding[] {
  return walk(dir)
    .filter(({ file, stat }) => file.endsWith(".json") && !stat.isSymbolicLink() && !isBelow(dir, "quarantine", file))
    .flatMap(({ file }) => {
      const fault = faultOf(dir, file);
      if (fault === undefined) return [];
      const what = `${file}: ${fault.why}`;
      return [fault.isBroken ? { what, fix: () => setAside(dir, file) } : { what, next: `ls -l ${quoted(file)}` }];
    });
}

/** Checks each line of the log. Readers pass over a line that cannot be read. */
function log({ dir }: DoctorTarget): Finding[] {
  const folder = path.join(dir, "activity");
  return namesOf(folder).flatMap((name) => {
    const file = path.join(folder, name);
    const stat = fs.lstatSync(file, { throwIfNoEntry: false });
    if (!stat || stat.isSymbolicLink()) return []; // see `links`
    if (!stat.isFile())
      return [{ what: `${file} is no file, so nothing can be logged there`, next: `mv ${file} ${dir}/..` }];
    const torn = fs
      .readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line !== "" && !isEntry(line)).length;
    const what = `${file} has ${torn} ${torn === 1 ? "line" : "lines"} that cannot be read, and are passed over`;
    return torn === 0 ? [] : [{ what, next: "nothing: they go with their day", isHarmless: true }];
  });
}

function isEntry(line: string): boolean {
  try {
    Entry.parse(JSON.parse(line), "activity");
    return true;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RelayError) return false;
    throw error;
  }
}

function setAside(dir: string, file: string): string {
  const fault = faultOf(dir, file);
  if (fault === undefined) return `left ${file} where it is: it can be read by now`;
  if (!fault.isBroken) return `left ${file} where it is: ${fault.why}`;
  const folder = path.join(dir, "quarantine");
  makeFolders(folder, 0o700);
  if (!isFolder(folder)) return `left ${file} where it is: ${folder} is not a real folder`;
  const key = path.relative(dir, file).replace(/\.json$/, "");
  const name = key
    .split(path.sep)
    .join("+")
    .replace(/[^\w.+-]/g, "_")
    .slice(0, 150);
  const aside = path.join(folder, `${name}.${newNonce()}`); // unique: no file that was set aside before is lost
  fs.renameSync(file, `${aside}.json`);
  fs.writeFileSync(`${aside}.reason`, `${key}: ${fault.why}\n`, { mode: 0o600, flag: "wx" });
  return `set ${file} aside as ${aside}.json`;
}

function pointers({ dir }: DoctorTarget): Finding[] {
  const isThere = (folder: string, id: string) => fs.existsSync(path.join(dir, folder, id));
  const aside = new Set(recordsSetAside(dir).map(({ key }) => key)); // such a message may be put back
  return namesOf(path.join(dir, "inboxes")).flatMap((inbox) =>
    ["", "open"].flatMap((part) =>
      filesIn(path.join(dir, "inboxes", inbox, part))
        .filter((file) => path.basename(file) !== ".empty")
        .filter((file) => {
          const id = path.basename(file);
          return !aside.has(`messages/${id}`) && !isThere("drafts", id) && !isThere("messages", `${id}.json`); // drafts first: they become messages
        })
        .map((file) => ({ what: `${file} points at no message`, fix: () => remove(file) })),
    ),
  );
}

function drafts({ dir, now }: DoctorTarget): Finding[] {
  const unfinished = filesIn(path.join(dir, "drafts")).filter((file) => !path.basename(file).startsWith(TOGETHER));
  return old(unfinished, now - OLD_DRAFT_MS).map((file) => ({
    what: `${file} was being written, and never was`,
    fix: () => remove(file),
  }));
}

/** The next process that needs a lock breaks it once it is older than its lease: nothing to mend, but worth knowing. */
function locks({ dir, now }: DoctorTarget): Finding[] {
  const folder = path.join(dir, "locks");
  return old(
    namesOf(folder).map((name) => path.join(folder, name)),
    now - OLD_LOCK_MS,
  )
    .filter((file) => namesOf(file).length > 0)
    .map((file) => ({
      what: `${file} was left by who held it`,
      next: "nothing: the next who needs it breaks it",
      isHarmless: true,
    }));
}

/** Registered sessions whose process has died: their claims and tasks are free for whoever asks. */
function deadHolders({ dir }: DoctorTarget): Finding[] {
  return namesOf(path.join(dir, "agents"))
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => {
      const agent = agentIn(path.join(dir, "agents", name));
      if (!agent || processState(agent) !== "dead") return [];
      return [{ what: `the process of ${agent.session_id} (pid ${agent.pid}) has died`, next: "agent-relay cleanup" }];
    });
}

function agentIn(file: string): Agent | undefined {
  try {
    return Agent.parse(readRecord(file), file);
  } catch (error) {
    if (error instanceof Unusable || error instanceof RelayError || errno(error) !== undefined) return undefined; // see `records`
    throw error;
  }
}

function quarantine({ dir }: DoctorTarget): Finding[] {
  const count = namesOf(path.join(dir, "quarantine")).filter((name) => name.endsWith(".json")).length;
  return count === 0
    ? []
    : [
        {
          what: `${count} files could not be read and were set aside`,
          next: "agent-relay quarantine list",
        },
      ];
}

function oneRelay({ dir, cwd }: DoctorTarget): Finding[] {
  const others = worktreesOf(cwd).map((root) => path.join(root, ".relay"));
  return [...new Set(others.filter((other) => fs.existsSync(path.join(other, "relay.json"))).map(realPath))]
    .filter((other) => other !== realPath(dir))
    .map((other) => ({
      what: `${other} is a second relay of this repository`,
      next: "agents in the two do not see each other: finish one, or move it away",
    }));
}

/** The real path of a folder, the same by whichever link; the path as given if there is no such folder. */
function realPath(folder: string): string {
  return fs.existsSync(folder) ? fs.realpathSync(folder) : path.resolve(folder);
}

// The schema of each folder's records.
const SCHEMAS: Readonly<Record<string, Schema<unknown>>> = {
  ...{
    agents: Agent,
    "archive/agents": Agent,
    messages: Message,
    claims: ClaimLedger,
    decisions: Decision,
    waits: Wait,
  },
  tasks: Task,
};

interface Fault {
  readonly why: string;
  /** It was read, and is no record. Else it may be whole, and cannot be read now. */
  readonly isBroken: boolean;
}

function faultOf(dir: string, file: string): Fault | undefined {
  const folder = path.dirname(path.relative(dir, file)).split(path.sep).join("/");
  try {
    const value = readRecord(file);
    const schema = folder === "tasks" && !path.basename(file).startsWith("task-") ? undefined : SCHEMAS[folder];
    if (value) schema?.parse(value, path.basename(file, ".json"));
    return undefined;
  } catch (error) {
    if (error instanceof Unusable || error instanceof RelayError) return { why: error.message, isBroken: true };
    if (errno(error) === undefined) throw error;
    return { why: `it cannot be read (${errno(error)})`, isBroken: false };
  }
}

function remove(file: string): string {
  fs.rmSync(file, { force: true });
  return `removed ${file}`;
}

function old(files: readonly string[], before: number): string[] {
  return files.filter((file) => (fs.lstatSync(file, { throwIfNoEntry: false })?.mtimeMs ?? before) < before);
}

/** The names in a folder; none if it is a link, or no folder. */
function namesOf(folder: string): string[] {
  if (!isFolder(folder)) return [];
  try {
    return fs.readdirSync(folder);
  } catch (error) {
    if (errno(error) === "ENOENT") return []; // gone since
    throw error;
  }
}

/** The files in a folder: neither folders nor links. */
function filesIn(folder: string): string[] {
  return namesOf(folder)
    .map((name) => path.join(folder, name))
    .filter((file) => fs.lstatSync(file, { throwIfNoEntry: false })?.isFile());
}

function isFolder(folder: string): boolean {
  return fs.lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** A folder and everything below it; no link is followed. */
function walk(folder: string): { file: string; stat: fs.Stats }[] {
  const stat = fs.lstatSync(folder, { throwIfNoEntry: false });
  if (!stat) return [];
  const here = { file: folder, stat };
  return stat.isDirectory() ? [here, ...namesOf(folder).flatMap((name) => walk(path.join(folder, name)))] : [here];
}

function isBelow(dir: string, folder: string, file: string): boolean {
  return file.startsWith(path.join(dir, folder) + path.sep);
}
