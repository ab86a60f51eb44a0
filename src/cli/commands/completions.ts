import { jsonText } from "../../text.ts";
import { defineVerb, GLOBAL_FLAGS, type Verb, type VerbModule, type VerbTable } from "../command.ts";
import { type Explained, explained } from "../flag-table.ts";

/** Makes the verb for a table of verbs, which it is in itself. */
export function completionsOf(verbs: VerbTable): VerbModule {
  const verb = defineVerb({
    name: "completions",
    about: "Print completions for your shell.",
    words: { "<shell>": { about: "which shell", choices: ["bash", "zsh", "fish", "powershell", "elvish"] } },
    example: 'eval "$(agent-relay completions bash)"',
    async run(cli, _, { shell }) {
      const script = SCRIPTS[shell](await wordsOf(verbs), verbs);
      await cli.say({ script }, script);
    },
  });
  return { verb };
}

/** What can stand in a place: these words, the names of who is here, an id of a message or task, a file, or any text. */
type Kind = readonly string[] | keyof typeof LISTS | "file" | "text";

/** The command that lists what there is of a kind, a line each. */
const LISTS = {
  who: "agent-relay agents --names",
  id: "agent-relay history --ids",
  task: "agent-relay task list --ids",
} as const;

/** The words of a verb, or of one of its own verbs: `task add`. */
interface Words {
  /** As they are typed after the command: `task add`. */
  readonly verb: string;
  readonly about: string;
  /** Its flags, and what follows each; undefined for a flag alone. */
  readonly flags: readonly { readonly names: readonly string[]; readonly value: Kind | undefined }[];
  /** Its own verbs, or what its first argument is. */
  readonly first: Kind;
}

/** From the verbs' own tables. */
async function wordsOf(verbs: VerbTable): Promise<Words[]> {
  const words: Words[] = [];
  for (const [name, { load, about }] of Object.entries(verbs)) {
    const { verb } = await load();
    words.push({ ...partOf(verb), verb: name, about });
    for (const part of verb.parts) words.push({ ...partOf(part), verb: `${name} ${part.name}` });
  }
  return words;
}

function partOf(verb: Verb): Words {
  const flags = Object.entries({ ...verb.flags, ...GLOBAL_FLAGS }).map(flagOf);
  return { verb: verb.name, about: verb.about, flags, first: firstOf(verb) };
}

function flagOf([text, said]: readonly [string, string | Explained]): Words["flags"][number] {
  const names = text.match(/(?<!\S)--?[\w-]+/g) ?? [];
  const value = /[<[]([\w-]+)/.exec(text)?.[1];
  return { names: names.reverse(), value: value === undefined ? undefined : kindOf(value, explained(said).choices) };
}

function firstOf({ parts, words }: Verb): Kind {
  if (parts.length > 0) return parts.map(({ name }) => name);
  const [text = "", said = ""] = Object.entries(words)[0] ?? [];
  return kindOf(/[\w-]+/.exec(text)?.[0], explained(said).choices);
}

/** What a place takes, by the word for it in the help. */
function kindOf(word = "", choices?: readonly string[]): Kind {
  if (choices) return choices;
  if (isListed(word)) return word;
  return /^(path|file|folder|folders|dir|glob|source|target|paths|files)$/.test(word) ? "file" : "text";
}

function isListed(kind: Kind | string | undefined): kind is keyof typeof LISTS {
  return typeof kind === "string" && Object.hasOwn(LISTS, kind);
}

const SCRIPTS = { bash, zsh, fish, powershell, elvish };

function bash(words: readonly Words[]): string {
  const verbs = words.filter(({ verb: name }) => !name.includes(" ")).map(({ verb: name }) => name);
  const subs = verbs.filter((verb) => words.some(({ verb: name }) => name.startsWith(`${verb} `)));
  const cases = words.map(({ verb: name, flags, first }) => {
    const valued = flags.filter(({ value }) => value !== undefined);
    const [offering, others] = [
      valued.filter(({ value }) => hasWords(value)),
      valued.filter(({ value }) => !hasWords(value)),
    ];
    const values = [
      ...offering.map(({ names, value = "text" }) => `${names.join("|")}) ${bashWords(value)} ;;`),
      `${others.flatMap(({ names }) => names).join("|")}) ;;`, // the shell completes files
    ];
    return `    "${name}")
      case "$before" in ${values.join(" ")} *)
        ${bashWords(first)}
        case "$now" in -*) words="${[...flags.flatMap(({ names }) => names[0] ?? []), "--help"].join(" ")}" ;; esac ;;
      esac ;;`;
  });
  return `_agent_relay() {
  local verb="\${COMP_WORDS[1]}" before="\${COMP_WORDS[COMP_CWORD-1]}" now="\${COMP_WORDS[COMP_CWORD]}" words=
  COMPREPLY=()
  case "$verb" in ${subs.join("|")}) [ "$COMP_CWORD" -gt 2 ] && verb="$verb \${COMP_WORDS[2]}" ;; esac
  if [ "$COMP_CWORD" -eq 1 ]; then words="${verbs.join(" ")}"; else
  case "$verb" in
${cases.join("\n")}
  esac
  fi
  [ -z "$words" ] || COMPREPLY=($(compgen -W "$words" -- "$now"))
}
complete -o bashdefault -o default -F _agent_relay agent-relay
`;
}

function bashWords(kind: Kind): string {
  if (isWords(kind)) return `words="${kind.join(" ")}"`;
  return isListed(kind) ? `words="$(${LISTS[kind]} 2>/dev/null)"` : ":";
}

function hasWords(kind: Kind | undefined): boolean {
  return isListed(kind) || (kind !== undefined && isWords(kind));
}

function isWords(kind: Kind): kind is readonly string[] {
  return typeof kind !== "string";
}

function zsh(words: readonly Words[]): string {
  return `autoload -U +X bashcompinit && bashcompinit\n${bash(words)}`;
}

function fish(words: readonly Words[], verbs: VerbTable): string {
  const first = Object.entries(verbs).map(
    ([name, { about }]) => `complete -c agent-relay -f -n __fish_use_subcommand -a ${name} -d ${jsonText(about)}`,
  );
  const rest = words.flatMap(({ verb: name, flags, first: argument }) => {
    const seen = name.split(" ").map((word) => `__fish_seen_subcommand_from ${word}`);
    const when = `complete -c agent-relay -n "${seen.join("; and ")}"`;
    const options = flags.map(({ names, value }) => {
      const [long = "", short] = names.map((one) => one.replace(/^-+/, ""));
      return `${when} -l ${long}${short === undefined ? "" : ` -s ${short}`}${value === undefined ? " -f" : fishWords(value, "-x -a", "-r")}`;
    });
    return [...options, `${when}${fishWords(argument, "-f -a", argument === "file" ? "-F" : "-f")}`];
  });
  return `${[...first, ...rest].join("\n")}\n`;
}

function fishWords(kind: Kind, list: string, otherwise: string): string {
  if (isWords(kind)) return ` ${list} ${jsonText(kind.join(" "))}`;
  return isListed(kind) ? ` ${list} "(${LISTS[kind]} 2>/dev/null)"` : ` ${otherwise}`;
}

/** The same as data, for shells that can read it: of each verb, what its first word and the values of its flags are. */
function tableOf(words: readonly Words[]): string {
  const verbs = words.map(({ verb }) => verb).filter((name) => !name.includes(" "));
  const table: Record<string, unknown> = { "": { first: verbs, flags: ["--help", "--version"], values: {} } };
  for (const { verb: name, flags, first } of words) {
    const valued = flags.flatMap(({ names, value }) => (value === undefined ? [] : names.map((one) => [one, value])));
    const long = [...flags.flatMap(({ names }) => names[0] ?? []), "--help"];
    table[name] = { first, flags: long, values: Object.fromEntries(valued) };
  }
  return jsonText(table);
}

function powershell(words: readonly Words[]): string {
  const lists = Object.entries(LISTS).map(([kind, line]) => `'${kind}' { ${line} 2>$null }`);
  return `$agentRelayWords = ConvertFrom-Json -AsHashtable '${tableOf(words).replaceAll("'", "''")}'
Register-ArgumentCompleter -Native -CommandName agent-relay -ScriptBlock {
  param($now, $line, $cursor)
  $done = @($line.CommandElements | Select-Object -Skip 1 | ForEach-Object { "$_" })
  if ($now -ne '') { $done = @($done | Select-Object -SkipLast 1) }
  $verb = if ($done.Count -gt 0) { $done[0] } else { '' }
  if ($done.Count -gt 1 -and $agentRelayWords.ContainsKey("$verb $($done[1])")) { $verb = "$verb $($done[1])" }
  $known = $agentRelayWords[$verb]
  if ($null -eq $known) { return }
  $kind = $known.first
  if ($done.Count -gt 0 -and $known.values.ContainsKey($done[-1])) { $kind = $known.values[$done[-1]] }
  elseif ($now.StartsWith('-')) { $kind = $known.flags }
  $offered = if ($kind -is [array]) { $kind } else { switch ($kind) { ${lists.join(" ")} } }
  $offered | Where-Object { $_ -like "$now*" } | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
}
`;
}

function elvish(words: readonly Words[]): string {
  const lists = Object.entries(LISTS).map(
    ([kind, line]) => `elif (eq $kind ${kind}) { e:${line} 2>/dev/null | from-lines }`,
  );
  return `use str
set edit:completion:arg-completer[agent-relay] = {|@given|
  var known = (print '${tableOf(words).replaceAll("'", "''")}' | from-json)
  var done = $given[1..-1]
  var verb = ''
  if (> (count $done) 0) { set verb = $done[0] }
  if (and (> (count $done) 1) (has-key $known $verb' '$done[1])) { set verb = $verb' '$done[1] }
  if (not (has-key $known $verb)) { return }
  var kind = $known[$verb][first]
  if (and (> (count $done) 0) (has-key $known[$verb][values] $done[-1])) {
    set kind = $known[$verb][values][$done[-1]]
  } elif (str:has-prefix $given[-1] '-') {
    set kind = $known[$verb][flags]
  }
  if (eq (kind-of $kind) list) { all $kind } elif (eq $kind file) { edit:complete-filename $@given } ${lists.join(" ")}
}
`;
}
