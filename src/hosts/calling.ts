import { claude } from "./claude.ts";
import type { Env, HookAnswer, HookCall, HookDialect, Payload } from "./hook.ts";
import type { Host } from "./host.ts";
import { HOSTS } from "./hosts.ts";

/**
 * The host that really calls. Some hosts run the hooks that are set up for another, so the payload beats the command
 * line (`named`), except where a file of ours alone names it: then our own plugin calls. Claude Code if nothing tells.
 */
export function hostCalling(named: string | undefined, payload: Payload, env: Env, hosts = HOSTS): Host {
  const told = hosts.find(({ agent }) => agent === named);
  if (told?.text) return told;
  return hosts.find((host) => host.isCalling?.(payload, env)) ?? told ?? claude;
}

/** What goes to a host's stdout. */
export function reply(host: HookDialect, call: HookCall, answer: HookAnswer): string {
  return host.write(call, answer) || nothing(host, call.event);
}

/** What goes to a host's stdout when there is nothing to say, also when the payload could not be read. */
export function nothing({ silentExceptAt }: HookDialect, event: string | undefined): string {
  return silentExceptAt && !silentExceptAt.includes(event ?? "") ? "" : "{}\n";
}
