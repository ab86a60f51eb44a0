import fs from "node:fs";
import { errno, RelayError, systemError } from "../errors.ts";
import { sleep } from "../time.ts";
import { decoded } from "./decode.ts";

/** The exit code of a command that was told to end (SIGINT, SIGTERM). */
export const INTERRUPTED = 130;

/** How stdin is read. */
export interface Input {
  /** What was read of it before. */
  readonly head?: string | undefined;
  /** Whether the text ends within these bytes, the next ones; by default it ends with stdin. */
  readonly isEnd?: (bytes: Buffer) => boolean;
  /** False: whoever writes it may be silent for ever, and must not hold this process up. */
  readonly mayBlock?: boolean;
  /** It is a person's or agent's text, and not a program's: what is in no known encoding is refused. */
  readonly isText?: boolean;
}

/** The command's whole outside world. Tests bring their own. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The file of the running program: the files beside it belong to it. */
  readonly script: string;
  readonly now: () => number;
  /** A person types here. */
  readonly isTerminal: boolean;
  /** How wide the terminal is that is written to, in cells; undefined for a pipe or a file. */
  readonly columns?: number | undefined;
  /** How many lines it shows. */
  readonly rows?: number | undefined;
  /** Shows a text by a pager, the words of its command. Resolves when the person has left it; false if there is no such program. */
  page?(text: string, command: readonly string[]): Promise<boolean>;
  /** What is written goes nowhere: stdout is closed, or /dev/null. Who only lists messages so has read none. */
  readonly isUnheard?: boolean;
  /** Writes data. Resolves when all of it was taken; throws if not. */
  out(text: string): Promise<void>;
  /** Writes prose about the data. */
  err(text: string): void;
  /** The text of stdin. Throws `limit` for more than `maxBytes`. */
  input(maxBytes: number, options?: Input): Promise<string>;
  /** The lines of stdin, those together that came together. Throws `limit` for one of more than `maxBytes`. */
  lines(maxBytes: number): AsyncIterable<readonly string[]>;
  /** Whether the process that started us still runs. */
  hasParent(): boolean;
  /** Calls `stop` at the first interrupt; a second one ends the process. */
  onInterrupt(stop: () => void): void;
}

const PARENT = process.ppid;
const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const NULL_DEVICE = process.platform === "win32" ? "\\\\.\\nul" : "/dev/null"; // os.devNull, without its module

/** The working folder. If it was removed meanwhile, the folder that the shell names. */
function workingFolder(): string {
  try {
    return process.cwd();
  } catch (error) {
    if (errno(error) !== "ENOENT") throw error;
    return process.env.PWD ?? "/";
  }
}

/** The Io of this process. */
export function processIo(): Io {
  return {
    env: process.env,
    cwd: workingFolder(),
    script: process.argv[1] ?? "",
    now: Date.now,
    get isTerminal() {
      return process.stdin.isTTY === true;
    },
    get columns() {
      return process.stdout.isTTY ? process.stdout.columns : undefined;
    },
    get rows() {
      return process.stdout.isTTY ? process.stdout.rows : undefined;
    },
    page: async (text, command) => (await import("./run-pager.ts")).runPager(text, command, process.env),
    get isUnheard() {
      return isNowhere(STDOUT);
    },
    out: (text) => writeAll(STDOUT, text),
    err(text) {
      try {
        fs.writeSync(STDERR, text);
      } catch (error) {
        if (!["EPIPE", "EAGAIN", "EBADF"].includes(errno(error) ?? "")) throw error; // else nobody listens
      }
    },
    input: readStdin,
    lines: stdinLines,
    hasParent: () => process.ppid === PARENT,
    onInterrupt(stop) {
      let isFirst = true;
      for (const signal of ["SIGINT", "SIGTERM"] as const)
        process.on(signal, () => {
          if (!isFirst) process.exit(INTERRUPTED);
          isFirst = false;
          stop();
        });
    },
  };
}

/** Whether a descriptor is closed, or of the null device, which Node opens in place of a closed one. */
function isNowhere(fd: number): boolean {
  try {
    const { rdev } = fs.fstatSync(fd);
    return rdev !== 0 && rdev === fs.statSync(NULL_DEVICE, { throwIfNoEntry: false })?.rdev;
  } catch (error) {
    if (errno(error) !== "EBADF") throw error;
    return true;
  }
}

/**
 * Writes straight to the descriptor: a stream would say "written" before the bytes were taken. Not synchronously: a
 * reader may take its time, and what this process holds must be renewed meanwhile.
 */
async function writeAll(fd: number, text: string): Promise<void> {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) {
    try {
      done += await writeSome(fd, bytes.subarray(done));
    } catch (error) {
      if (errno(error) === "EPIPE") throw error; // the reader has seen enough
      // EAGAIN: the pipe is full for now, and its maker has set it not to block.
      if (errno(error) !== "EAGAIN") throw systemError("print", error);
      await sleep(5);
    }
  }
}

function writeSome(fd: number, bytes: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.write(fd, bytes, (error, count) => (error ? reject(error) : resolve(count)));
  });
}

/**
 * Reads stdin to its end. The first piece synchronously, if it may: most input is there by then, and a stream takes
 * longer to load than a hook may take in all. The rest by a stream, so that a writer that never ends holds nothing up.
 */
async function readStdin(
  maxBytes: number,
  { head = "", isEnd = () => false, mayBlock = true, isText = false }: Input = {},
) {
  const chunks: Buffer[] = [];
  let size = 0;
  const take = (bytes: Buffer): boolean => {
    size += bytes.length;
    if (size > maxBytes) throw new RelayError("limit", `Cannot read more than ${maxBytes} bytes from stdin`);
    chunks.push(bytes);
    return isEnd(bytes);
  };
  const text = () => (isText ? decoded(Buffer.concat(chunks)) : Buffer.concat(chunks).toString("utf8"));
  if (head !== "" && take(Buffer.from(head))) return text();
  const first = head === "" && mayBlock ? readSome() : undefined;
  if (first?.length === 0 || (first && take(first))) return text();
  for await (const chunk of process.stdin) if (take(Buffer.from(chunk))) break;
  return text();
}

async function* stdinLines(maxBytes: number): AsyncGenerator<readonly string[]> {
  let rest = Buffer.alloc(0);
  for await (const chunk of process.stdin) {
    const bytes = Buffer.concat([rest, Buffer.from(chunk)]);
    const end = bytes.lastIndexOf("\n");
    rest = bytes.subarray(end + 1);
    if (rest.length > maxBytes) throw new RelayError("limit", `Cannot read a line of more than ${maxBytes} bytes`);
    if (end >= 0) yield decoded(bytes.subarray(0, end)).split("\n");
  }
  if (rest.length > 0) yield [decoded(rest)];
}

/** The next bytes of stdin: empty at its end, undefined if there are none yet and stdin is set not to block. */
function readSome(): Buffer | undefined {
  const chunk = Buffer.allocUnsafe(65_536);
  try {
    return chunk.subarray(0, fs.readSync(STDIN, chunk));
  } catch (error) {
    if (errno(error) === "EAGAIN") return undefined;
    if (errno(error) === "EOF") return chunk.subarray(0, 0); // the end, on Windows
    throw systemError("read stdin", error);
  }
}
