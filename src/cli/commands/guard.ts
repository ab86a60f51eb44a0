import fs from "node:fs";
import path from "node:path";
import { inQuotes } from "../../claim-words.ts";
import { formatLeft } from "../../duration.ts";
import { errno, RelayError, systemError } from "../../errors.ts";
import { namesOf } from "../../lines.ts";
import { cleanLine } from "../../text.ts";
import type { Cli } from "../cli.ts";
import { EXIT } from "../exit.ts";
import { git, names } from "../git.ts";
import { type Describe, verb } from "../verb.ts";

const HOOKS = ["pre-commit", "pre-push"] as const;
type Hook = (typeof HOOKS)[number];
const MARK = "# agent-relay guard"; // the second line of what we install
const BEFORE = ".agent-relay-before"; // what was there, which ours calls first

export const describe: Describe = ({ Command }, act) => {
  const guard = new Command("guard")
    .description("Refuse commits of files that another agent has claimed, by a git hook.")
    .addHelpText(
      "after",
      "\nOnce, all the same, and on record: AGENT_RELAY_GUARD=off git commit\nExample: agent-relay guard install",
    );
  guard
    .command("install")
    .description("put the hook where git looks for it; one that is there is called first")
    .option("--push", "also before a push")
    .action((flags: { push?: boolean }) => act((cli) => install(cli, flags.push ?? false)));
  guard
    .command("remove")
    .description("take it away; what was there before is there again")
    .action(() => act(remove));
  guard
    .command("check")
    .description("what the hook runs: exit code 4 if a staged file is claimed by another")
    .argument("[hook]", "which hook asks", "pre-commit")
    .action((hook: string) => act((cli) => check(cli, hook === "pre-push" ? "pre-push" : "pre-commit")));
  return guard;
};

export const run = verb(describe);

/** The folder that git takes hooks from: also one that a hook manager has set. */
function hooksFolder({ io }: Cli): string {
  return path.resolve(io.cwd, git(io.cwd, "rev-parse", "--git-path", "hooks").trimEnd());
}

async function install(cli: Cli, withPush: boolean): Promise<void> {
  const folder = hooksFolder(cli);
  const command = `node ${quoted(path.resolve(fs.realpathSync(cli.io.script)))} guard check`;
  const wanted: readonly Hook[] = withPush ? HOOKS : ["pre-commit"];
  const files = wanted.map((hook) => path.join(folder, hook));
  try {
    fs.mkdirSync(folder, { recursive: true });
    for (const [index, file] of files.entries()) {
      if (fs.existsSync(file) && !isOurs(file)) fs.renameSync(file, `${file}${BEFORE}`);
      const draft = `${file}.agent-relay-draft`;
      fs.writeFileSync(draft, script(`${command} ${wanted[index]}`), { mode: 0o755 });
      fs.renameSync(draft, file);
    }
  } catch (error) {
    throw systemError(`install a hook in "${folder}"`, error);
  }
  await cli.say({ files }, files.map((file) => `Installed ${file}\n`).join(""));
}

/** Whoever has no Node, or no agent-relay any more, commits as before. */
function script(command: string): string {
  return `#!/bin/sh
${MARK}: agent-relay guard remove
if [ -x "$0${BEFORE}" ]; then "$0${BEFORE}" "$@" || exit $?; fi
command -v node >/dev/null 2>&1 || exit 0
[ -e ${command.split(" ")[1]} ] || exit 0
exec ${command} </dev/null
`;
}

async function remove(cli: Cli): Promise<void> {
  const folder = hooksFolder(cli);
  const removed: string[] = [];
  for (const file of HOOKS.map((hook) => path.join(folder, hook))) {
    if (!isOurs(file)) continue;
    try {
      if (fs.existsSync(`${file}${BEFORE}`)) fs.renameSync(`${file}${BEFORE}`, file);
      else fs.rmSync(file);
    } catch (error) {
      throw systemError(`remove "${file}"`, error);
    }
    removed.push(file);
  }
  await cli.say(
    { files: removed },
    removed.map((file) => `Removed ${file}\n`).join("") || "There was no hook of ours\n",
  );
}

function isOurs(file: string): boolean {
  try {
    return fs.readFileSync(file, "utf8").split("\n")[1]?.startsWith(MARK) ?? false;
  } catch (error) {
    if (errno(error) === "ENOENT") return false;
    throw systemError(`read "${file}"`, error);
  }
}

async function check(cli: Cli, hook: Hook): Promise<number> {
  const { io } = cli;
  const root = git(io.cwd, "rev-parse", "--show-toplevel").trimEnd();
  const files = changed(root, hook);
  const relay = await cli.open();
  if (files.length === 0 || !fs.existsSync(relay.dir)) return 0;
  const held: { file: string; says: string }[] = [];
  const called = namesOf(await relay.agents());
  for (const file of files) {
    const found = await relay.check([`./${file}`], { cwd: root });
    if (found.is_mine) continue;
    for (const claim of found.claims.filter(({ session_id }) => session_id !== relay.session)) {
      const who = called.get(claim.session_id) ?? claim.session_id;
      const why = claim.reason === undefined ? "" : `: ${inQuotes(claim.reason)}`;
      held.push({
        file,
        says: `${file} is claimed by ${who} for ${formatLeft(claim.expires_at - io.now())} more${why}`,
      });
    }
  }
  if (held.length === 0) return 0;
  if (io.env.AGENT_RELAY_GUARD === "off") {
    await relay.log(
      `committed what others have claimed, by AGENT_RELAY_GUARD=off: ${held.map(({ file }) => file).join(", ")}`,
    );
    io.err(`agent-relay: ${held.length} claims of others were passed over, which is on record\n`);
    return 0;
  }
  for (const { says } of held) io.err(`agent-relay: ${cleanLine(says)}\n`);
  const [first] = held;
  io.err(
    `Try: agent-relay send --claim ${first?.file} "...", or git restore --staged ${first?.file}; AGENT_RELAY_GUARD=off passes it over once\n`,
  );
  return EXIT.conflict;
}

/** What is to be committed; before a push, what no remote has yet. */
function changed(root: string, hook: Hook): string[] {
  if (hook === "pre-commit") return names(git(root, "diff", "--cached", "--name-only", "--no-renames", "-z"));
  const commits = git(root, "rev-list", "HEAD", "--not", "--remotes")
    .split("\n")
    .filter((commit) => commit !== "");
  return [
    ...new Set(
      commits.flatMap((commit) => names(git(root, "show", "--format=", "--name-only", "--no-renames", "-z", commit))),
    ),
  ];
}

function quoted(file: string): string {
  if (file.includes("\n"))
    throw new RelayError("usage", `Cannot install a hook for "${file}": its path has a line end`);
  return `'${file.replaceAll("'", "'\\''")}'`;
}
