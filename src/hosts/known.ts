import type { HostProcess } from "./host.ts";
import { HOSTS } from "./hosts.ts";

/** How to recognise each host. The build puts the plain values here: a run loads no more of a host than that. */
export const KNOWN_HOSTS: readonly HostProcess[] = HOSTS.map(({ agent, process }) => ({ agent, ...process }));
