// Wraps the synchronous calls of `fs` that touch one folder: counts them, stops or kills this process at one of them, or
// records what they change.
import fs from "node:fs";
import path from "node:path";

const BY_PATH = [
  "existsSync",
  "lstatSync",
  "statSync",
  "mkdirSync",
  "rmdirSync",
  "readdirSync",
  "renameSync",
  "linkSync",
  "unlinkSync",
  "rmSync",
  "utimesSync",
  "lutimesSync",
];
const BY_DESCRIPTOR = ["writeSync", "fsyncSync", "closeSync", "fstatSync", "readFileSync"];
const real = { ...fs };

/**
 * Returns what to call when the operation has returned: the last point is there. From now on, for calls that touch `home`: `count` writes their names to the file `out` at the end, `record` what they
 * changed; `kill` and `stop` end or stop this process before call `at`, and `half` kills it in the middle of write `at`: of
 * other calls there may be more on a busy machine.
 */
export function arm(home, mode, { at, out }) {
  if (mode === "plain" || mode === "wait") return () => {};
  const open = new Set();
  const calls = [];
  let writes = 0;
  const changes = [];

  const strike = () => {
    if (mode === "stop") real.writeSync(1, "stopped\n");
    process.kill(process.pid, mode === "stop" ? "SIGSTOP" : "SIGKILL");
  };
  const meet = (name, target, args) => {
    calls.push(name);
    if (name === "writeSync") writes++;
    if (mode !== "half" && calls.length === at) strike();
    if (mode === "half" && name === "writeSync" && writes === at) {
      real.writeSync(args[0], Buffer.from(args[1]).subarray(0, Buffer.byteLength(args[1]) >> 1));
      strike();
    }
    const before = mode === "record" ? missingBefore(name, target) : [];
    const result = real[name](...args);
    if (mode === "record") changes.push(...before, ...after(name, target, args, result));
    return result;
  };

  fs.openSync = (file, flags, permissions) => {
    if (!isIn(home, file)) return real.openSync(file, flags, permissions);
    const descriptor = meet("openSync", file, [file, flags, permissions]);
    open.add(descriptor);
    return descriptor;
  };
  for (const name of BY_PATH)
    fs[name] = (...args) => (isIn(home, args[0]) ? meet(name, args[0], args) : real[name](...args));
  for (const name of BY_DESCRIPTOR)
    fs[name] = (...args) => {
      if (!open.has(args[0])) return real[name](...args);
      if (name === "closeSync") open.delete(args[0]);
      return meet(name, args[0], args);
    };

  return () => {
    if (mode !== "half" && at === calls.length + 1) strike();
    if (out !== undefined) real.writeFileSync(out, JSON.stringify(mode === "record" ? changes : calls));
  };
}

function isIn(home, file) {
  return typeof file === "string" && (file === home || file.startsWith(`${home}/`));
}

/** What can be told of a change only before it: which folders are still missing, and whether there is a file to remove. */
function missingBefore(name, target) {
  if (name === "rmSync") return real.existsSync(target) ? [{ call: "unlink", path: target }] : [];
  if (name !== "mkdirSync") return [];
  const missing = [];
  for (let folder = target; !real.existsSync(folder); folder = path.dirname(folder)) missing.unshift(folder);
  return missing.map((folder) => ({ call: "mkdir", path: folder }));
}

/** What a call that succeeded has changed. */
function after(name, target, args, result) {
  if (name === "openSync") return [{ call: "open", path: target, descriptor: result }];
  if (name === "writeSync") {
    const [descriptor, content, from] = args;
    const start = typeof content === "string" ? 0 : (from ?? 0); // with a string, the third argument is a place in the file
    return [
      {
        call: "write",
        descriptor,
        data: Buffer.from(content)
          .subarray(start, start + result)
          .toString("base64"),
      },
    ];
  }
  if (name === "fsyncSync") return [{ call: "fsync", descriptor: target }];
  if (name === "renameSync") return [{ call: "rename", path: target, to: args[1] }];
  if (name === "linkSync") return [{ call: "link", path: target, to: args[1] }];
  if (name === "unlinkSync" || name === "rmdirSync") return [{ call: "unlink", path: target }];
  return [];
}
