import type { Command, Option } from "commander";
import { jsonText } from "../../text.ts";
import { type Describe, type VerbModule, type VerbTable, verb, withGlobals } from "../command.ts";

/** Makes the verb for a table of verbs, which it is in itself. */
export function completionsOf(verbs: VerbTable): VerbModule {
  const describe: Describe = ({ Argument, Command }, act) =>
    new Command("completions")
      .description("Print completions for your shell.")
      .addArgument(new Argument("<shell>", "which shell").choices(["bash", "zsh", "fish"]))
      .addHelpText("after", '\nExample: eval "$(agent-relay completions bash)"')
      .action((shell: keyof typeof SCRIPTS) =>
        act(async (cli) => {
          const script = SCRIPTS[shell](await wordsOf(verbs), verbs);
          await cli.say({ script }, script);
        }),
      );

  return { describe, run: verb(describe) };
}

/** What can stand in a place: these words, the names of who is here, a file, or any text. */
type Kind = readonly string[] | "who" | "file" | "text";

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

/** From the verbs' own descriptions. */
async function wordsOf(verbs: VerbTable): Promise<Words[]> {
  const library = await import("commander");
  const words: Words[] = [];
  for (const [name, { load, about }] of Object.entries(verbs)) {
    const { describe } = await load();
    const command = withGlobals(describe(library, () => {}));
    const own = command.options.map(flagOf);
    words.push({ verb: name, about, flags: own, first: firstOf(command) });
    for (const sub of command.commands)
      words.push({
        verb: `${name} ${sub.name()}`,
        about: sub.description(),
        flags: [...sub.options.map(flagOf), ...own],
        first: firstOf(sub),
      });
  }
  return words;
}

function flagOf(option: Option): Words["flags"][number] {
  const names = [option.long, option.short].filter((name) => name !== undefined);
  const isAlone = !option.required && !option.optional;
  return { names, value: isAlone ? undefined : kindOf(/<([\w-]+)/.exec(option.flags)?.[1], option.argChoices) };
}

function firstOf({ commands, registeredArguments: [first] }: Command): Kind {
  if (commands.length > 0) return commands.map((sub) => sub.name());
  return kindOf(first?.name(), first?.argChoices);
}

/** What a place takes, by the word for it in the help. */
function kindOf(word = "", choices?: readonly string[]): Kind {
  if (choices) return choices;
  if (word === "who") return "who";
  return /^(path|file|folder|folders|dir|glob|source|target|paths|files)$/.test(word) ? "file" : "text";
}

const NAMES = "agent-relay agents --names 2>/dev/null";
const SCRIPTS = { bash, zsh, fish };

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
  return kind === "who" ? `words="$(${NAMES})"` : ":";
}

function hasWords(kind: Kind | undefined): boolean {
  return kind === "who" || (kind !== undefined && isWords(kind));
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
  return kind === "who" ? ` ${list} "(${NAMES})"` : ` ${otherwise}`;
}
