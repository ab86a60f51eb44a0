import path from "node:path";
import { RelayError } from "../errors.ts";
import { type Program, seemsOurs } from "../hosts/command-line.ts";
import type { Host } from "../hosts/host.ts";
import type { HostSetup } from "../hosts/settings.ts";
import { isSetUp } from "../setup/plan.ts";
import { asCalled, textOf } from "../setup/reach.ts";

export interface SiteFlags {
  readonly user?: boolean | undefined;
  readonly remove?: boolean | undefined;
  readonly wake?: boolean | undefined;
  readonly statusLine?: boolean | undefined;
}

/** A file of a host, and how the program is called in it. */
export interface Site<Flags, Of = Host> {
  readonly host: Of;
  readonly file: string;
  readonly program: Program;
  /** What is to be done with this file. */
  readonly flags: Flags;
}

interface Place {
  readonly root: string;
  readonly program: Program;
}

/** A host's file of hooks. */
export function fileOf(host: HostSetup, { root }: Pick<Place, "root">, { user }: SiteFlags): string {
  return path.join(root, user ? host.userFile : host.projectFile);
}

/**
 * The files of a host's hooks that have to be looked at. A team's file is one of them where the program is called by its
 * name, or was; each one's own file then goes without, or the host would run both.
 */
export function sitesOf<Flags extends SiteFlags>(host: Host, place: Place, flags: Flags): Site<Flags>[] {
  const team = flags.user || host.sharedFile === undefined ? undefined : { ...host, projectFile: host.sharedFile };
  const server = flags.user ? host.mcp.userFile : host.mcp.projectFile;
  const files = [host, ...(team ? [team] : [])].map((one) => fileOf(one, place, flags));
  const others = server === undefined ? [] : [path.join(place.root, server)];
  const program = asCalled(place.program, [...files, ...others]);
  const at = (one: Host, then = flags) => ({ host: one, file: fileOf(one, place, flags), program, flags: then });
  if (!team) return [at(host)];
  if (flags.remove) return [at(host), ...(isOursIn(team, place, flags) ? [at(team)] : [])];
  if (!program.isNamed) return [at(host)];
  if (!isOursIn(host, place, flags)) return [at(team)];
  const text = textOf(fileOf(host, place, flags));
  const kept = {
    wake: /[ "]Wake"/.test(text) || flags.wake,
    statusLine: / status --line"/.test(text) || flags.statusLine,
  };
  return [at(host, { ...flags, remove: true }), at(team, { ...flags, ...kept })];
}

/** Whether a host's file of MCP servers names ours, which is then written in the form that its hooks have. */
export function hasServer(site: Pick<Site<SiteFlags>, "program">, file: string): boolean {
  return site.program.isNamed === true && seemsOurs(textOf(file));
}

/** Whether a host is set up here, in any of its files. */
export function isSetUpIn(host: Host, place: Place, flags: SiteFlags): boolean {
  return sitesOf(host, place, { ...flags, remove: true }).some((site) => isOursIn(site.host, place, flags));
}

/** Whether anything of ours is in a host's file. True for a file that cannot be read: it may well be. */
function isOursIn(host: Host, place: Place, flags: SiteFlags): boolean {
  try {
    return isSetUp(host, fileOf(host, place, flags));
  } catch (error) {
    if (error instanceof RelayError) return true;
    throw error;
  }
}
