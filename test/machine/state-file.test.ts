import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { readState, readStateText, writeState, writeStateText } from "../../src/machine/state-file.ts";
import { object, text } from "../../src/schema.ts";
import { tempDir } from "../support/cli.ts";

const Login = object({ user: text() });
const read = (file: string) => readState(file, Login, "log in again");

test("a state file is written whole, for this user alone, with its folder", () => {
  const file = path.join(tempDir(), "a/b/login.json");
  expect(read(file)).toBeUndefined();
  writeState(file, { user: "ann" });
  expect(read(file)).toEqual({ user: "ann" });
  expect(fs.statSync(file).mode & 0o777).toBe(0o600);
  expect(fs.statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
  expect(fs.readdirSync(path.dirname(file))).toEqual(["login.json"]);
});

test.skipIf(process.platform === "win32")("a pipe in place of a state file hung every verb that reads it", () => {
  const file = path.join(tempDir(), "login.json");
  spawnSync("mkfifo", [file]);
  for (const readIt of [() => readStateText(file), () => read(file)])
    expect(readIt).toThrow(
      expect.objectContaining({ code: "refused", message: `Cannot read "${file}": it is no file` }),
    );
});

test("a state file that cannot be written stays as it was, and leaves no draft", () => {
  const folder = tempDir();
  fs.mkdirSync(path.join(folder, "login.json/full"), { recursive: true });
  expect(() => writeStateText(path.join(folder, "login.json"), "x")).toThrow(/Cannot write ".*login\.json"/);
  expect(fs.readdirSync(folder)).toEqual(["login.json"]);
  fs.writeFileSync(path.join(folder, "file"), "");
  expect(() => writeStateText(path.join(folder, "file/a/x"), "x")).toThrow(
    expect.objectContaining({ code: "refused", message: expect.stringContaining("a file stands where a folder") }),
  );
});

test("a broken state file is an error that says what to do, and one of another shape too", () => {
  const file = path.join(tempDir(), "login.json");
  fs.writeFileSync(file, "{");
  expect(() => read(file)).toThrow(expect.objectContaining({ code: "corrupt", next: "log in again" }));
  fs.writeFileSync(file, "{}");
  expect(() => read(file)).toThrow(expect.objectContaining({ code: "corrupt" }));
  expect(readStateText(file)).toBe("{}");
});
