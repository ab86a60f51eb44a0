import type { HostProcess } from "./host.ts";
import { KNOWN_HOSTS } from "./known.ts";

const INTERPRETERS = ["node", "bun", "deno", "python", "python3"];

/** The host that a process is, by its name and first arguments, or undefined. */
export function hostOf(name: string, args: readonly string[], hosts = KNOWN_HOSTS): HostProcess | undefined {
  const command = baseName(args[0] ?? "");
  const script = INTERPRETERS.includes(command) ? scriptOf(args.slice(1)) : undefined;
  return hosts.find(
    (host) =>
      host.commands.some(
        (own) => own === command || own === name || (script !== undefined && own === baseName(script)),
      ) || host.packages.some((own) => script?.replaceAll("\\", "/").includes(`/node_modules/${own}/`)),
  );
}

/** The host that a session id seems to name, as `claude-1` does. */
export function hostNamed(session: string): HostProcess | undefined {
  return KNOWN_HOSTS.find(({ agent }) => session === agent || session.startsWith(`${agent}-`));
}

/** The first argument that is no option, unless an option before it holds the program itself. */
function scriptOf(args: readonly string[]): string | undefined {
  const first = args.find((word) => !word.startsWith("-") || /^(-[a-z]*[epcm]|--eval|--print)$/.test(word));
  return first?.startsWith("-") ? undefined : first;
}

function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1).replace(/\.(exe|c?js|mjs|py)$/, "");
}
