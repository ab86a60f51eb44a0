import fs from "node:fs";
import path from "node:path";
import type { Context } from "../context.ts";
import { RelayError, systemError } from "../errors.ts";
import { makeFolders } from "../folders.ts";
import { worktreeOf } from "../git/repository.ts";
import type { Claim } from "./claim.ts";
import { check, claim, giveBack, type WaitingClaimOptions } from "./claims.ts";
import { realPath } from "./paths.ts";

const APPEND_PATIENCE_MS = 30_000;
const APPEND_LEASE_MS = 30_000; // an append takes a few ms, and a killed one blocks the others for this long
const NEWLINE = 10;

export interface AppendOptions extends Pick<WaitingClaimOptions, "cwd" | "reason" | "ttlMs" | "signal"> {
  /** How long to wait in line for the file, ms; default 30 seconds. */
  readonly waitMs?: number | undefined;
  /** Adds the text as it is. By default it begins and ends a line. */
  readonly raw?: boolean | undefined;
}

/** What was added, and where. */
export interface AppendResult {
  /** The file, absolute. */
  readonly path: string;
  /** How many bytes were added. */
  readonly bytes: number;
}

/**
 * Adds text to the end of a file under a claim on it. Releases the claim, unless this session had one before. Creates
 * the file and its folders. If the disk cannot take the whole text, nothing is added.
 */
export async function append(
  context: Context,
  file: string,
  text: string,
  options: AppendOptions = {},
): Promise<AppendResult> {
  const cwd = options.cwd ?? context.registration.cwd ?? context.project;
  const place = placeOf(context, file, cwd);
  const { waitMs = APPEND_PATIENCE_MS, ttlMs = APPEND_LEASE_MS, reason = "append", signal } = options;
  const held = await hold(context, file, { waitMs, ttlMs, reason, exact: true, cwd, signal });
  try {
    return addTo(place, text, options.raw ?? false);
  } finally {
    if (held) await giveBack(context, held);
  }
}

/** The file, links followed. Throws `usage` for a pattern, `refused` outside the worktree and in .git and .relay. */
function placeOf(context: Context, file: string, cwd: string): string {
  if (/[*?]|\{[^{}]*,/.test(file))
    throw new RelayError("usage", `Cannot append to "${file}": it is a pattern`, { next: "name one file" });
  const place = realPath(path.resolve(cwd, file));
  const root = realPath(worktreeOf(cwd)?.root ?? context.project);
  const [first] = path.relative(root, place).split(path.sep);
  if (first === ".." || first === "" || path.isAbsolute(first ?? ""))
    throw new RelayError("refused", `Cannot append to "${file}": it is not in your worktree, ${root}`, {
      next: "name a file in it, by a path without links that lead out",
    });
  if (first === ".git" || first === ".relay")
    throw new RelayError("refused", `Cannot append to "${file}": what is in ${first} is not written by hand`, {
      next: "name a file of the project",
    });
  return place;
}

/** A claim on the file that ends with the append; undefined if this session claims it already. */
async function hold(context: Context, file: string, options: WaitingClaimOptions): Promise<Claim | undefined> {
  const { is_mine, is_free } = await check(context, [file], options);
  return is_mine && is_free ? undefined : claim(context, [file], options);
}

function addTo(file: string, text: string, isRaw: boolean): AppendResult {
  try {
    makeFolders(path.dirname(file));
    const fd = fs.openSync(file, "a+");
    try {
      const { size } = fs.fstatSync(fd);
      const bytes = Buffer.from(isRaw ? text : asLines(text, size === 0 || lastByte(fd, size) === NEWLINE));
      writeAllOrNothing(fd, bytes, size);
      return { path: file, bytes: bytes.length };
    } finally {
      fs.closeSync(fd);
    }
  } catch (error) {
    throw systemError(`append to "${file}"`, error);
  }
}

function asLines(text: string, isAtStart: boolean): string {
  return `${isAtStart ? "" : "\n"}${text}${text.endsWith("\n") ? "" : "\n"}`;
}

function lastByte(fd: number, size: number): number | undefined {
  const byte = Buffer.alloc(1);
  return fs.readSync(fd, byte, 0, 1, size - 1) === 1 ? byte[0] : undefined;
}

function writeAllOrNothing(fd: number, bytes: Buffer, size: number): void {
  try {
    for (let done = 0; done < bytes.length; ) done += fs.writeSync(fd, bytes, done);
    fs.fsyncSync(fd);
  } catch (error) {
    if (fs.fstatSync(fd).size > size) fs.ftruncateSync(fd, size);
    throw error;
  }
}
