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
          const script = SCRIPTS[shell](await flagsByVerb(verbs), verbs);
          await cli.say({ script }, script);
        }),
      );

  return { describe, run: verb(describe) };
}

/** Each verb with its long flags, from the verbs' own descriptions. */
async function flagsByVerb(verbs: VerbTable): Promise<Map<string, string[]>> {
  const library = await import("commander");
  const flags = new Map<string, string[]>();
  for (const [name, { load }] of Object.entries(verbs)) {
    const { describe } = await load();
    const command = withGlobals(describe(library, () => {}));
    flags.set(name, [...command.options.flatMap((option) => option.long ?? []), "--help"]);
  }
  return flags;
}

const SCRIPTS = { bash, zsh, fish };

function bash(flags: Map<string, string[]>): string {
  const cases = [...flags].map(([name, words]) => `    ${name}) words="${words.join(" ")}" ;;`);
  return `_agent_relay() {
  local words="${[...flags.keys()].join(" ")}"
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
  esac
  [ "$COMP_CWORD" -eq 1 ] && words="${[...flags.keys()].join(" ")}"
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _agent_relay agent-relay
`;
}

function zsh(flags: Map<string, string[]>): string {
  return `autoload -U +X bashcompinit && bashcompinit\n${bash(flags)}`;
}

function fish(flags: Map<string, string[]>, abouts: VerbTable): string {
  const verbs = [...flags.keys()].map(
    (name) =>
      `complete -c agent-relay -f -n __fish_use_subcommand -a ${name} -d ${jsonText(abouts[name]?.about ?? "")}`,
  );
  const options = [...flags].flatMap(([name, words]) =>
    words.map((word) => `complete -c agent-relay -f -n "__fish_seen_subcommand_from ${name}" -l ${word.slice(2)}`),
  );
  return `${[...verbs, ...options].join("\n")}\n`;
}
