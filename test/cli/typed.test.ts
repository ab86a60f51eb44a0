import { expect, test } from "vitest";
import { Story } from "../support/cli.ts";

// What people and agents have typed, by what it is to say: the words that are wrong, and a command that works when it is pasted.
// `|` parts the words that are one argument from the next.

/** What was typed, how it ends, what is wrong, and what to try. */
type Typed = readonly [typed: string, code: number, wrong: string, next: string];

const HELP = (verb: string) => `agent-relay ${verb} --help`;

const TYPED: readonly Typed[] = [
  // Whom it is for.
  [
    "send|gemini-1|hello there",
    2,
    "for gemini-1 or for everyone",
    "agent-relay send --to gemini-1 'hello there'; for everyone: agent-relay send --to all 'gemini-1 hello there'",
  ],
  [
    "send|--to|claude-1,gemini-1|hi",
    3,
    'Cannot find "claude-1,gemini-1"',
    "--to once for each: --to claude-1 --to gemini-1",
  ],
  [
    "send|--to|gemni-1|x",
    3,
    "did you mean gemini-1?",
    "agent-relay agents, or send --keep to leave it for a session that will come",
  ],
  ["--to|bob|send|hi", 2, "a verb comes first", "agent-relay send --to bob hi"],
  ["history|--with|gemni", 3, 'Cannot find "gemni"', "agent-relay agents"],
  ["wait|--ended|nobody", 3, 'Cannot find "nobody"', "agent-relay agents"],
  ["kill|nobody", 3, 'Cannot find "nobody"', "agent-relay agents"],
  // Words of other programs.
  ["who", 2, "did you mean agents?", "agent-relay agents"],
  ["ps", 2, "did you mean agents?", "agent-relay agents"],
  ["ls", 2, "did you mean agents?", "agent-relay agents"],
  ["list", 2, "did you mean agents?", "agent-relay agents"],
  ["tasks", 2, "did you mean task list?", "agent-relay task list"],
  ["message", 2, "did you mean send?", "agent-relay send"],
  ["msg", 2, "did you mean send?", "agent-relay send"],
  ["init", 2, "did you mean setup?", "agent-relay setup"],
  ["tail", 2, "did you mean activity --follow?", "agent-relay activity --follow"],
  ["version", 2, "did you mean --version?", "agent-relay --version"],
  ["network", 2, "it is a topic of help", "agent-relay help network"],
  ["inbx", 2, "did you mean inbox?", "agent-relay inbox"],
  ["unknown", 2, "there is no such verb", "agent-relay help"],
  ["help|netwrk", 2, "did you mean network?", "agent-relay help network"],
  ["--foo", 2, "a verb comes first", "agent-relay help"],
  // Values.
  ["inbox|--limit|abc", 2, 'Cannot use --limit "abc": give a whole number from 1', HELP("inbox")],
  ["claim|x|--ttl|5x", 2, 'Cannot read "5x" as a duration', HELP("claim")],
  ["inbox|--since|yesterday", 2, 'Cannot read "yesterday" as a duration', HELP("inbox")],
  ["send|--deadline|soon|x", 2, 'Cannot read "soon" as a duration', HELP("send")],
  ["gc|--older-than|abc", 2, 'Cannot read "abc" as a duration', HELP("gc")],
  ["activity|--at|never", 2, 'Cannot read "never" as a time', HELP("activity")],
  ["register|--role|Code Reviewer", 2, 'Cannot use "Code Reviewer" as a role', HELP("register")],
  ["inbox|--session|my agent", 2, 'Cannot use "my agent" as a session id', HELP("inbox")],
  ["serve|--port|abc", 2, 'Cannot listen on port "abc"', "agent-relay serve --port 4800"],
  ["send|--kind|quesion|x", 2, "did you mean question?", "agent-relay send --kind question x"],
  ["send|--kind=quesion|x", 2, "did you mean question?", "agent-relay send --kind=question x"],
  ["show|mails", 2, "did you mean mail?", "agent-relay show mail"],
  ["setup|claud", 2, "did you mean claude?", "agent-relay setup claude"],
  ["setup|foo", 2, 'Cannot use "foo" as host: it is one of claude, codex', HELP("setup")],
  [
    "agents|--scope|world",
    2,
    'Cannot use "world" as --scope: it is one of directory, repository, machine',
    HELP("agents"),
  ],
  ["completions|tcsh", 2, 'Cannot use "tcsh" as shell', HELP("completions")],
  ["send|--file|.", 2, "it is a folder", "agent-relay send --file <path>"],
  // Flags.
  ["inbox|-n|5", 2, "unknown option '-n'", "agent-relay inbox --limit 5"],
  ["send|-m|hi", 2, "unknown option '-m'", HELP("send")],
  ["send|-5 degrees", 2, "unknown option '-5 degrees'", "agent-relay send -- '-5 degrees'"],
  ["task|add|x|--assign|codex-1", 2, "unknown option '--assign'", HELP("task add")],
  ["agents|--jsn", 2, "Did you mean --json?", HELP("agents")],
  ["unread|--quiet|--foo", 2, "unknown option '--foo'", HELP("unread")],
  ["watch|--exec", 2, "'-e, --exec <program>' argument missing", HELP("watch")],
  ["export|--to", 2, "'--to <folder>' argument missing", HELP("export")],
  // Words that have no place, and places that have no word.
  ["register|bob", 2, 'with "bob": it takes no words', "agent-relay register --name bob"],
  ["wait|5m", 2, 'with "5m": it takes no words', "agent-relay wait --message --timeout 5m"],
  ["wait|gemini-1", 2, 'with "gemini-1": it takes no words', "agent-relay wait --message --from gemini-1"],
  ["heartbeat|x", 2, "too many arguments", HELP("heartbeat")],
  ["wait", 2, "Cannot wait for nothing", "agent-relay wait --message, or --released, --ended, --reply-to, --task-done"],
  ["check", 2, "give a path or a resource", HELP("check")],
  ["claim", 2, "give a path or a resource", HELP("claim")],
  ["release", 2, "give a path or a resource", HELP("release")],
  ["claim|--resource|db|src/aa", 2, "paths stand before --resource", "agent-relay claim src/aa --resource db"],
  ["task|add|--file|src/a|My title", 2, "without a title", "agent-relay task add 'My title' --file src/a"],
  ["task|done", 2, "missing required argument 'task'", HELP("task done")],
  ["task|ad", 2, "Did you mean add?", HELP("task")],
  ["kill", 2, "missing required argument 'who'", HELP("kill")],
  ["decide", 2, "missing required argument 'text'", HELP("decide")],
  [
    "send",
    2,
    "Cannot send an empty message",
    'agent-relay send "your text", or agent-relay send - to read it from stdin',
  ],
  [
    "send|",
    2,
    "Cannot send an empty message",
    'agent-relay send "your text", or agent-relay send - to read it from stdin',
  ],
  ["mirror", 2, "Cannot mirror to nowhere", "agent-relay mirror http://host:4800"],
  ["key|--allow|x", 2, "give --allow with --file", HELP("key")],
  ["forget", 2, "without --yes", "agent-relay export, then agent-relay forget --yes"],
  // What is not there.
  ["read|msg-0mx2kmat3ddj", 3, "it is not among those ann may read", "agent-relay history"],
  ["read|latest", 3, "an id comes first", "agent-relay history"],
  ["reply|yes I do", 3, "an id comes first", "agent-relay history"],
  ["thread|nope", 3, "an id comes first", "agent-relay history"],
  ["explain|nope", 3, "nothing here has that id", "agent-relay activity"],
  ["task|done|nope", 3, 'Cannot find task "nope"', "agent-relay task list"],
  ["task|next", 3, "No task is ready", "agent-relay task list"],
  ["release|nothing", 3, 'Cannot release "nothing": nobody holds it', "agent-relay claims"],
];

const story = async () => {
  const made = new Story();
  for (const [session, tool] of [
    ["claude-1", "claude"],
    ["gemini-1", "gemini"],
  ] as const)
    await made.as(session, "register", "--agent", tool);
  await made.as(undefined, "register");
  return made;
};

for (const [typed, code, wrong, next] of TYPED)
  test(typed, async () => {
    const ran = await (await story()).as(undefined, ...typed.split("|"));
    const [first = "", second] = ran.err.trimEnd().split("\n").slice(-2);
    expect({ code: ran.code, out: ran.out }, ran.err).toEqual({ code, out: "" });
    expect(first).toContain(wrong);
    expect(second).toBe(`Try: ${next}`);
  });

test.each([
  ["send|@gemini-1|hi", / sent to gemini-/],
  ["claim|--wait|src/db.ts", /^Claimed src\/db\.ts for 30m/],
  ["status|", /^Taken back: nothing stands beside your name/],
  ["claim|../x", /^Claimed .*x for 30m/],
  ["agents|-j", /^\[\n/],
] as const)("%s is done", async (typed, says) => {
  const ran = await (await story()).as(undefined, ...typed.split("|"));
  expect(ran).toMatchObject({ code: 0, out: expect.stringMatching(says) });
  if (typed === "claim|../x") expect(ran.err).toMatch(/^note: outside this project: \//);
});
