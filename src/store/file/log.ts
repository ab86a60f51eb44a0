import fs from "node:fs";
import { errno, RelayError } from "../../errors.ts";
import { jsonText } from "../../text.ts";
import type { Value } from "../store.ts";

const { O_RDONLY, O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
const FILE_MODE = 0o600;
const CHUNK_BYTES = 64 * 1024;
const MAX_LINE_BYTES = 1024 * 1024; // nothing we write comes near
const NEWLINE = 10;

/** Adds a line by one write. A half line that a killed writer left is ended first, so that it spoils no other line. */
export function appendLine(path: string, value: Value): void {
  const fd = open(path, O_RDWR | O_APPEND | O_CREAT);
  try {
    const { size } = fs.fstatSync(fd);
    const line = Buffer.from(`${size === 0 || lastByte(fd, size) === NEWLINE ? "" : "\n"}${jsonText(value)}\n`);
    const written = fs.writeSync(fd, line);
    if (written < line.length)
      throw new RelayError("limit", `Cannot write "${path}": the disk took a part of the line`);
  } finally {
    fs.closeSync(fd);
  }
}

/** The objects in the lines after the first `after`; undefined for a line that cannot be read. None without a file. */
export function* linesIn(path: string, after: number): Generator<Value | undefined> {
  let fd: number;
  try {
    fd = open(path, O_RDONLY);
  } catch (error) {
    if (errno(error) === "ENOENT") return;
    throw error;
  }
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let rest = Buffer.alloc(0);
    let passed = 0;
    for (let count = fs.readSync(fd, chunk); count > 0; count = fs.readSync(fd, chunk)) {
      let bytes = Buffer.concat([rest, chunk.subarray(0, count)]);
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE)) {
        if (end > 0 && ++passed > after) yield objectIn(bytes.subarray(0, end));
        bytes = bytes.subarray(end + 1);
      }
      rest = bytes.length > MAX_LINE_BYTES ? bytes.subarray(-MAX_LINE_BYTES) : bytes;
    }
    if (rest.length > 0 && ++passed > after) yield objectIn(rest);
  } finally {
    fs.closeSync(fd);
  }
}

function open(path: string, flags: number): number {
  const fd = fs.openSync(path, flags | O_NOFOLLOW | O_NONBLOCK, FILE_MODE);
  if (fs.fstatSync(fd).isFile()) return fd;
  fs.closeSync(fd);
  throw new RelayError("refused", `Cannot use "${path}": it is not a file`, { next: "look at it, then move it away" });
}

function lastByte(fd: number, size: number): number | undefined {
  const byte = Buffer.alloc(1);
  return fs.readSync(fd, byte, 0, 1, size - 1) === 1 ? byte[0] : undefined;
}

function objectIn(line: Buffer): Value | undefined {
  try {
    const value: unknown = JSON.parse(line.toString());
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
