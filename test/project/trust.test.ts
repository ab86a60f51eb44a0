import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { markFor } from "../../src/machine/trust-mark.ts";
import { Relay } from "../../src/relay.ts";
import { FileStore } from "../../src/store/file/file-store.ts";

let folder = "";

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "relay-trust-"));
  vi.stubEnv("XDG_STATE_HOME", folder);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** Lets the machine say this of its id; undefined: it has none. */
function machineIdIs(text: string | undefined): void {
  const { readFileSync } = fs;
  vi.spyOn(fs, "readFileSync").mockImplementation((file, options) => {
    if (!String(file).endsWith("machine-id")) return readFileSync(file, options);
    if (text === undefined) throw Object.assign(new Error("none"), { code: "ENOENT" });
    return text;
  });
}

const secretFile = () => path.join(folder, "agent-relay", "machine");

describe("the mark of a relay made here", () => {
  test("is the same for the same relay, and another for another", () => {
    expect(markFor("relay-a")).toMatch(/^[0-9a-f]{32}$/);
    expect(markFor("relay-a")).toBe(markFor("relay-a"));
    expect(markFor("relay-a")).not.toBe(markFor("relay-b"));
  });

  test("is another on another machine, and for another user", () => {
    machineIdIs(`${"1".repeat(32)}\n`);
    const here = markFor("relay-a");
    vi.restoreAllMocks();
    machineIdIs(`${"2".repeat(32)}\n`);
    expect(markFor("relay-a")).not.toBe(here);
    vi.restoreAllMocks();
    machineIdIs(`${"1".repeat(32)}\n`);
    expect(markFor("relay-a")).toBe(here);
    vi.spyOn(process, "getuid").mockReturnValue(4242);
    expect(markFor("relay-a")).not.toBe(here);
  });

  test("is kept, for this machine's secret and this relay alone; what is broken of it is made again", () => {
    machineIdIs(`${"1".repeat(32)}\n`);
    const [a, b] = [markFor("relay-a"), markFor("relay-b")];
    const marks = path.join(folder, "agent-relay", "marks");
    const files = fs.readdirSync(marks).map((name) => path.join(marks, name));
    expect(files.map((file) => fs.statSync(file).mode & 0o777)).toEqual([0o600, 0o600]);
    const whole = files.map((file) => fs.readFileSync(file, "utf8"));
    for (const spoil of [
      () => fs.writeFileSync(files[0] ?? "", ""),
      () => fs.writeFileSync(files[0] ?? "", whole[1] ?? ""), // the other relay's
      () => fs.writeFileSync(files[0] ?? "", (whole[0] ?? "").slice(0, -10)),
      () => fs.rmSync(marks, { recursive: true }),
    ]) {
      spoil();
      expect([markFor("relay-a"), markFor("relay-b")]).toEqual([a, b]);
    }
    fs.rmSync(marks, { recursive: true });
    fs.writeFileSync(marks, "no folder");
    expect(markFor("relay-a"), "where nothing can be kept").toBe(a);
  });

  test("rests on a random word of this user's where the machine has no id, which nobody else may read", () => {
    machineIdIs(undefined);
    const here = markFor("relay-a");
    expect(markFor("relay-a")).toBe(here);
    expect(fs.statSync(secretFile()).mode & 0o777).toBe(0o600);
    expect(fs.statSync(path.dirname(secretFile())).mode & 0o777).toBe(0o700);
    expect(fs.readdirSync(path.dirname(secretFile())).sort()).toEqual(["machine", "marks"]);
    fs.rmSync(secretFile());
    expect(markFor("relay-a")).not.toBe(here);
  });

  test.each(["", "\n", "uninitialized\n"])(
    "a machine id of %j is no secret that a stranger could not guess",
    (text) => {
      machineIdIs(text);
      markFor("relay-a");
      expect(fs.existsSync(secretFile())).toBe(true);
    },
  );

  test("a file for the random word that is empty, as after a power cut, is not used as a secret", () => {
    machineIdIs(undefined);
    fs.mkdirSync(path.dirname(secretFile()), { recursive: true });
    fs.writeFileSync(secretFile(), "");
    markFor("relay-a");
    expect(fs.readFileSync(secretFile(), "utf8").length).toBeGreaterThan(20);
  });
});

describe("a relay", () => {
  const relayIn = (name: string) => new Relay(path.join(folder, name, ".relay"), { session: "ann" });

  test("that was made here is trusted, one that is not there is not", async () => {
    const relay = relayIn("made");
    expect(await relay.isTrusted()).toBe(false);
    await relay.register();
    expect(await relay.isTrusted()).toBe(true);
  });

  test("that came with a repository is not, whatever mark it carries, until a person trusts it", async () => {
    const theirs = path.join(folder, "cloned", ".relay");
    fs.mkdirSync(theirs, { recursive: true });
    for (const mark of [undefined, "", "0".repeat(32), markFor("another relay"), null, [markFor("relay-a")]]) {
      fs.writeFileSync(path.join(theirs, "relay.json"), JSON.stringify({ format: 1, id: "relay-a", mark }));
      expect(await relayIn("cloned").isTrusted()).toBe(false);
    }
    await relayIn("cloned").trust();
    expect(await relayIn("cloned").isTrusted()).toBe(true);
    expect(await new FileStore(theirs).get("relay")).toMatchObject({ format: 1, id: "relay-a" });
  });

  test("that holds messages but no relay.json is not trusted after the first write either", async () => {
    const theirs = path.join(folder, "cloned", ".relay");
    fs.mkdirSync(path.join(theirs, "messages"), { recursive: true });
    fs.writeFileSync(path.join(theirs, "messages", "theirs.json"), "{}");
    await relayIn("cloned").register();
    expect(await relayIn("cloned").isTrusted()).toBe(false);
  });
});
