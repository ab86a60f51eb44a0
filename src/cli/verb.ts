import { type Command, CommanderError, Option } from "commander";
import { RelayError } from "../errors.ts";
import { Cli, type GlobalFlags } from "./cli.ts";
import { fail } from "./exit.ts";
import type { Io } from "./io.ts";

/** Runs one verb with its arguments; returns the exit code. */
export type Verb = (args: readonly string[], io: Io) => Promise<number>;

/** A verb's description: flags and help, and an action that gives `act` what is to be done. What that returns as a number is the exit code. */
export type Describe = (act: (run: (cli: Cli) => Promise<unknown>) => void) => Command;

/** Makes a verb of its description. */
export function verb(describe: Describe): Verb {
  return async (args, io) => {
    let chosen: ((cli: Cli) => Promise<unknown>) | undefined;
    const command = withGlobals(describe((run) => (chosen = run)));
    let help = "";
    command.exitOverride().configureOutput({ writeOut: (text) => (help += text), writeErr: () => {} });
    try {
      command.parse([...args], { from: "user" });
      const flags = command.opts<GlobalFlags>();
      const code = await chosen?.(new Cli(io, flags));
      return typeof code === "number" ? code : 0;
    } catch (error) {
      if (error instanceof CommanderError && error.exitCode === 0) {
        await io.out(help);
        return 0;
      }
      return fail(error instanceof CommanderError ? misuse(error, command) : error, io, args.includes("--json"));
    }
  };
}

export function withGlobals(command: Command): Command {
  for (const option of globalOptions()) {
    const isTaken = command.options.some(
      (own) => own.long === option.long || (own.short !== undefined && own.short === option.short),
    );
    if (!isTaken) command.addOption(option);
  }
  return command.name(`agent-relay ${command.name()}`).showHelpAfterError(false).allowExcessArguments(false);
}

function globalOptions(): Option[] {
  return [
    new Option("-s, --session <id>", "act as this session"),
    new Option("-a, --agent <tool>", "which tool the session is: claude, codex, gemini, ..."),
    new Option("--dir <folder>", "use this relay"),
    new Option("--json", "print one JSON value"),
  ];
}

function misuse(error: CommanderError, command: Command): RelayError {
  const says = error.message.replace(/^error: /, "").replace(/\n/g, " ");
  return new RelayError("usage", `Cannot run "${command.name()}": ${says}`, { next: `${command.name()} --help` });
}
