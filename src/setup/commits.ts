import fs from "node:fs";
import path from "node:path";
import { RelayError } from "../errors.ts";
import { askGit, names } from "../git/run.ts";
import { type FileEdit, readText } from "./files.ts";

// What setup writes into a project names folders of this machine, and is nothing for others: what it made is kept out of commits,
// by the list that git keeps for this clone alone; of what git tracks already, it tells.

const BEGIN = "# agent-relay setup: these name folders of this machine";
const END = "# agent-relay setup ends";

/** A list of what git passes over, with these paths in our part of it. */
function withOurs(text: string, paths: readonly string[]): string {
  const all = [...new Set([...oursIn(text), ...paths])].sort();
  if (all.length === 0) return text;
  const rest = withoutOurs(text);
  const gap = rest === "" || rest.endsWith("\n") ? "" : "\n";
  return `${rest}${gap}${[BEGIN, ...all, END].join("\n")}\n`;
}

/** The list as it was before. */
export function withoutOurs(text: string): string {
  const [begin, end] = [text.indexOf(`${BEGIN}\n`), text.indexOf(`${END}\n`)];
  if (begin < 0 || end < begin) return text;
  const after = text.slice(end + END.length + 1);
  return `${text.slice(0, begin)}${after}`;
}

/** The list without those of our paths whose files are gone: another host's may still be there. */
function withoutGone(text: string, root: string): string {
  const isThere = (line: string) => fs.existsSync(path.join(root, line.replace(/\\(.)/g, "$1")));
  const left = oursIn(text).filter(isThere);
  return left.length === 0 ? withoutOurs(text) : withOurs(withoutOurs(text), left);
}

function oursIn(text: string): string[] {
  const part = text.slice(0, text.indexOf(`${END}\n`)).split(`${BEGIN}\n`)[1];
  return part?.split("\n").filter((line) => line !== "") ?? [];
}

/** Files that setup has written: made for this machine, or such that a team may commit. */
interface Written {
  readonly made: readonly string[];
  readonly shared: readonly string[];
}

/** The edit of that list, for files of `root` that setup has written, or for all of ours to go; undefined outside of git. */
export function planExclusion(root: string, { made, shared }: Written, removes: boolean): FileEdit | undefined {
  const found = asked(root, "rev-parse", "--git-path", "info/exclude")?.trim();
  if (!found) return undefined;
  const file = path.resolve(root, found);
  const before = readText(file);
  if (removes) return { file, before, after: before === undefined ? undefined : withoutGone(before, root) };
  const seen = made.length === 0 ? "" : asked(root, "ls-files", "-z", "--others", "--exclude-standard", "--", ...made);
  const lines = (of: readonly string[]) => of.map((name) => `/${name.replace(/[[\]*?!#\\ ]/g, "\\$&")}`);
  const shown = new Set(lines(shared.map((each) => path.relative(root, each).replaceAll(path.sep, "/"))));
  const ours = [...oursIn(before ?? ""), ...lines(names(seen ?? ""))].filter((line) => !shown.has(line));
  const isSame =
    ours.every((line) => oursIn(before ?? "").includes(line)) && ours.length === oursIn(before ?? "").length;
  if (isSame) return { file, before, after: before };
  return { file, before, after: withOurs(withoutOurs(before ?? ""), ours) };
}

/** Those of these files that git tracks, as paths from `root`. */
export function trackedIn(root: string, files: readonly string[]): string[] {
  return files.length === 0 ? [] : names(asked(root, "ls-files", "-z", "--", ...files) ?? "");
}

/** What git answers; undefined where it is not here, or there is no repository. */
function asked(root: string, ...args: readonly string[]): string | undefined {
  try {
    return askGit(root, ...args);
  } catch (error) {
    if (error instanceof RelayError) return undefined;
    throw error;
  }
}
