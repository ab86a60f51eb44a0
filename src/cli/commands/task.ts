import type { Command } from "commander";
import { formatDuration, formatLeft, parseDuration } from "../../duration.ts";
import { RelayError } from "../../errors.ts";
import type { Relay } from "../../relay.ts";
import { TENTATIVE } from "../../render/claims.ts";
import { taskLine } from "../../render/tasks.ts";
import { quoted } from "../../shell/quote.ts";
import type { TakeOptions } from "../../tasks/take.ts";
import { filesOf, type Task } from "../../tasks/task.ts";
import { clean, cleanLine, jsonText } from "../../text.ts";
import type { Cli } from "../cli.ts";
import { type Describe, verb } from "../command.ts";
import { askForPerson } from "../confirm.ts";
import { EXIT } from "../exit.ts";
import { wholeNumber } from "../flags.ts";
import { bodyOf } from "../sending.ts";

interface FieldFlags {
  readonly title?: string;
  readonly description?: string;
  readonly file?: string[] | false;
  readonly priority?: string;
  readonly after?: string[] | false;
  readonly force?: boolean;
}

interface TakeFlags {
  readonly ttl?: string;
  readonly claimFiles?: boolean;
  readonly ignoreDependencies?: boolean;
  readonly force?: boolean;
}

/** A part of `task`: makes a command of it. The library's own type: commander is loaded only when it is used. */
type Sub = (name: string, about: string) => Command;
type Act = Parameters<Describe>[1];

export const describe: Describe = ({ Command }, act) => {
  const task = new Command("task")
    .description("Share work: put tasks on a board, take the best one, say when it is done.")
    .addHelpText("after", '\nExample: agent-relay task add "Parse headers" --file src/parser && agent-relay task next');
  const sub: Sub = (name, about) => task.command(name).description(about);
  for (const part of [adding, looking, taking, ending, blocking, changing]) part(sub, act);
  return task;
};

export const run = verb(describe);

function adding(sub: Sub, act: Act): void {
  withFields(sub("add", "put a task on the board").argument("[title]")).action(
    (title: string | undefined, flags: FieldFlags) =>
      act(async (cli) => {
        if (title === undefined) throw untitled(flags);
        const relay = await cli.open();
        const added = await relay.tasks.add(title === "-" ? await bodyOf(cli, ["-"]) : title, fieldsOf(flags));
        await cli.say(added, `Added ${added.id}\n`);
      }),
  );
}

/** The error of a task without a title, which may be among the files: an option with several values takes all words. */
function untitled({ file }: FieldFlags): RelayError {
  const [first = "src/parser", ...rest] = file || [];
  return new RelayError("usage", "Cannot add a task without a title: it stands before --file", {
    next: `agent-relay task add ${quoted(rest.at(-1) ?? "Parse headers")} --file ${quoted(first)}`,
  });
}

function looking(sub: Sub, act: Act): void {
  sub("list", "tasks that are not over, the first to do first")
    .option("--ready", "only those that could be taken now")
    .option("--all", "also those that are over, the newest first")
    .option("-l, --limit <n>", "at most this many; default 50")
    .action((flags: { ready?: boolean; all?: boolean; limit?: string }) => act((cli) => list(cli, flags)));
  sub("show", "one task whole")
    .argument("<task>")
    .action((word: string) => act((cli) => show(cli, word)));
}

function taking(sub: Sub, act: Act): void {
  withTake(sub("claim", "take a task, or renew it").argument("<task>"))
    .option("--ignore-dependencies", "although what it depends on is not over")
    .option("--force", "from whoever has it; for people")
    .action((word: string, flags: TakeFlags) =>
      act(async (cli) => {
        const relay = await openFor(cli, flags.force, "take a task away");
        const taken = await relay.tasks.claim(word, takeOptions(flags));
        await cli.say(taken, `${takenWords(cli, taken)}\n`);
        await tellLost(cli, relay, taken);
      }),
    );
  withTake(sub("next", "take the best task that is ready; exit code 3: there is none")).action((flags: TakeFlags) =>
    act(async (cli) => {
      const relay = await cli.open();
      const taken = await relay.tasks.next(takeOptions(flags));
      await cli.say(taken ?? null, taken ? `${takenWords(cli, taken)}\n` : "");
      if (taken) await tellLost(cli, relay, taken);
      if (!taken) cli.io.err("No task is ready\nTry: agent-relay task list\n");
      return taken ? 0 : EXIT.not_found;
    }),
  );
}

function ending(sub: Sub, act: Act): void {
  for (const [name, about] of [
    ["done", "say that your task is done"],
    ["cancel", "say that a task will not be done"],
  ] as const)
    sub(name, about)
      .argument("<task>")
      .option("--reason <text>", "why")
      .option("--force", "for whoever has it; for people")
      .action((word: string, flags: { reason?: string; force?: boolean }) =>
        act((cli) => over(cli, name, word, flags)),
      );
  sub("release", "give a task back, for others to take")
    .argument("<task>")
    .option("--reason <text>", "why")
    .option("--force", "for whoever has it; for people")
    .action((word: string, flags: { reason?: string; force?: boolean }) =>
      act(async (cli) => {
        const relay = await openFor(cli, flags.force, "release another's task");
        const released = await relay.tasks.release(word, flags);
        await cli.say(released, `Released ${released.id}\n`);
      }),
    );
}

function blocking(sub: Sub, act: Act): void {
  sub("block", "say that a task cannot go on, and why")
    .argument("<task>")
    .argument("<reason...>")
    .option("--force", "for whoever has it; for people")
    .action((word: string, reason: string[], flags: { force?: boolean }) =>
      act(async (cli) => {
        const relay = await openFor(cli, flags.force, "block another's task");
        const blocked = await relay.tasks.block(word, reason.join(" "), flags);
        await cli.say(blocked, `Blocked ${blocked.id}\n`);
      }),
    );
  sub("unblock", "let a blocked task be taken again")
    .argument("<task>")
    .action((word: string) =>
      act(async (cli) => {
        const unblocked = await (await cli.open()).tasks.unblock(word);
        await cli.say(unblocked, `Unblocked ${unblocked.id}\n`);
      }),
    );
}

function changing(sub: Sub, act: Act): void {
  withFields(sub("edit", "change what a task says").argument("<task>"))
    .option("--title <title>", "another title")
    .option("--no-file", "it is about no file any more")
    .option("--no-after", "it waits for nothing any more")
    .option("--force", "although another works on it; for people")
    .action((word: string, flags: FieldFlags) =>
      act(async (cli) => {
        const relay = await openFor(cli, flags.force, "edit another's task");
        const edited = await relay.tasks.edit(word, {
          ...fieldsOf(flags),
          ...(flags.title !== undefined && { title: flags.title }),
          ...(flags.force && { force: true }),
        });
        await cli.say(edited, `Edited ${edited.id}\n`);
      }),
    );
  sub("note", "write a note to a task, for whoever works on it; - reads it from stdin")
    .argument("<task>")
    .argument("<text...>")
    .action((word: string, words: string[]) =>
      act(async (cli) => {
        const text = await bodyOf(cli, words);
        const noted = await (await cli.open()).tasks.note(word, text);
        await cli.say(noted, `Noted to ${noted.id}\n`);
      }),
    );
}

function withFields(command: Command): Command {
  return command
    .option("-d, --description <text>", "what is to be done")
    .option("-f, --file <path...>", "files it is about: paths or globs, claimed with --claim-files")
    .option("-p, --priority <n>", "higher comes first; default 0")
    .option("--after <task...>", "what must be over before it can be taken");
}

function withTake(command: Command): Command {
  return command
    .option("--claim-files", "claim its files too, all or none")
    .option("--ttl <time>", "how long without renewal: 10s to 8h (default 30m)");
}

function fieldsOf(flags: FieldFlags) {
  return {
    ...(flags.description !== undefined && { description: flags.description }),
    ...(flags.file !== undefined && { files: flags.file || [] }),
    ...(flags.priority !== undefined && { priority: priorityOf(flags.priority) }),
    ...(flags.after !== undefined && { dependsOn: flags.after || [] }),
  };
}

function priorityOf(word: string): number {
  if (/^[+-]?\d{1,4}$/.test(word)) return Number(word);
  throw new RelayError("usage", `Cannot use --priority ${jsonText(word)}: give a whole number from -9999 to 9999`);
}

function takeOptions(flags: TakeFlags): TakeOptions {
  return {
    ...(flags.ttl !== undefined && { ttl: parseDuration(flags.ttl) }),
    ...(flags.claimFiles && { claimFiles: true }),
    ...(flags.ignoreDependencies && { ignoreDependencies: true }),
    ...(flags.force && { force: true }),
  };
}

async function openFor(cli: Cli, isForced: boolean | undefined, what: string): Promise<Relay> {
  const relay = await cli.open();
  if (isForced) askForPerson(cli, relay.agent, what);
  return relay;
}

async function over(cli: Cli, move: "done" | "cancel", word: string, flags: { reason?: string; force?: boolean }) {
  const relay = await openFor(cli, flags.force, `${move === "done" ? "complete" : "cancel"} another's task`);
  const ended = await relay.tasks[move](word, flags);
  const ready = ended.ready.map((task) => `now ready: ${task.id} ${cleanLine(task.title)}\n`);
  await cli.say(ended, `${move === "done" ? "Done" : "Cancelled"}: ${ended.task.id}\n${ready.join("")}`);
}

async function list(cli: Cli, flags: { ready?: boolean; all?: boolean; limit?: string }): Promise<void> {
  if (flags.ready && flags.all)
    throw new RelayError("usage", "Cannot list --ready and --all at once: give one of them");
  const relay = await cli.open();
  const which = flags.ready ? "ready" : flags.all ? "all" : "open";
  const found = await relay.tasks.list({ which, ...(flags.limit && { limit: wholeNumber(flags.limit, "--limit") }) });
  const names = await relay.names(found.tasks.map(({ owner }) => owner?.session_id));
  const lines = found.tasks.map((task) => `${taskLine(task, found, names, relay.session, cli.now())}\n`);
  await cli.say(found, cli.framed(lines, "tasks"));
  if (found.tasks.length === 0) cli.io.err(flags.ready ? "No task is ready\n" : "No tasks\n");
  if (found.has_more) cli.io.err(`and more: --limit ${found.tasks.length * 4}\n`);
}

/** A task may come after one of which nobody can tell any more whether it was done. */
async function tellLost({ io }: Cli, relay: Relay, task: Task): Promise<void> {
  const { lost } = await relay.tasks.standings([task]);
  for (const id of lost[task.id] ?? [])
    io.err(`note: it comes after ${id}, whose record is gone: look whether that was done\n`);
}

function takenWords(cli: Cli, task: Task): string {
  const lines = [
    `${cleanLine(task.title)}\n`,
    ...(task.description === undefined ? [] : [`  ${clean(task.description).replaceAll("\n", "\n  ")}\n`]),
    ...(task.files.length === 0 ? [] : [`files: ${filesOf(task).map(cleanLine).join(" ")}\n`]),
  ];
  const claimed =
    task.files.length === 0 ? "" : task.owner?.claim === undefined ? ", without its files" : ", with its files";
  const isTentative = task.owner?.tentative ? ` (${TENTATIVE})` : "";
  const yours = `Yours for ${formatLeft(task.owner?.ttl ?? 0)}${claimed}: ${task.id}${isTentative}\n`;
  return `${yours}${cli.framed(lines, "the task")}When it is done: agent-relay task done ${task.id}`;
}

async function show(cli: Cli, word: string): Promise<void> {
  const relay = await cli.open();
  const task = await relay.tasks.get(word);
  const names = await relay.names([
    task.created_by,
    task.owner?.session_id,
    ...task.notes.map((one) => one.session_id),
  ]);
  const now = cli.now();
  const call = (session: string) => cleanLine(names.get(session) ?? session);
  const lines = [
    taskLine(task, await relay.tasks.standings([task]), names, relay.session, now),
    `added by ${call(task.created_by)} ${formatDuration(now - task.created_at)} ago, changed ${formatDuration(now - task.updated_at)} ago`,
    ...(task.description === undefined ? [] : [`  ${clean(task.description).replaceAll("\n", "\n  ")}`]),
    ...(task.reason === undefined || task.state === "blocked" ? [] : [`because: ${cleanLine(task.reason)}`]),
    ...(task.depends_on.length === 0 ? [] : [`depends on ${task.depends_on.join(" ")}`]),
    ...task.notes.map(
      (note) =>
        `note by ${call(note.session_id)} ${formatDuration(now - note.at)} ago: ${clean(note.text).replaceAll("\n", "\n  ")}`,
    ),
  ];
  await cli.say(
    task,
    cli.framed(
      lines.map((line) => `${line}\n`),
      "the task",
    ),
  );
}
