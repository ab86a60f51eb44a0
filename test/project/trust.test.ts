import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { isMarkFor, markFor } from "../../src/machine/trust-mark.ts";
import { Relay } from "../../src/relay.ts";
import { FileStore } from "../../src/store/file/file-store.ts";

let folder = "";

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "relay-trust-"));
  vi.stubEnv("XDG_STATE_HOME", path.join(folder, "xdg"));
  vi.stubEnv("HOME", path.join(folder, "home"));
  vi.spyOn(os, "userInfo").mockImplementation(() => ({ ...USER, homedir: path.join(folder, "home") }));
});

const USER = os.userInfo();

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

const secretFile = () => path.join(folder, "home/.local/state/agent-relay/machine");

const mark = (id: string) => markFor(id, folder);

describe("the mark of a relay made here", () => {
  test("is the same for the same relay, and another for another", () => {
    expect(mark("relay-a")).toMatch(/^[0-9a-f]{64}$/);
    expect(mark("relay-a")).toBe(mark("relay-a"));
    expect(isMarkFor(mark("relay-a"), "relay-a", folder)).toBe(true);
    expect(isMarkFor(mark("relay-a"), "relay-b", folder)).toBe(false);
  });

  test("is another for another user", () => {
    const here = mark("relay-a");
    vi.spyOn(process, "getuid").mockReturnValue(4242);
    expect(isMarkFor(here, "relay-a", folder)).toBe(false);
  });

  test("is kept, for this user's secret and this relay alone; what is broken of it is made again", () => {
    const [a, b] = [mark("relay-a"), mark("relay-b")];
    const marks = path.join(folder, "xdg/agent-relay/marks");
    const files = fs.readdirSync(marks).map((name) => path.join(marks, name));
    expect(files.map((file) => fs.statSync(file).mode & 0o777)).toEqual([0o600, 0o600, 0o600, 0o600]);
    const whole = files.map((file) => fs.readFileSync(file, "utf8"));
    for (const spoil of [
      () => fs.writeFileSync(files[0] ?? "", ""),
      () => fs.writeFileSync(files[0] ?? "", whole[1] ?? ""), // another's
      () => fs.writeFileSync(files[0] ?? "", (whole[0] ?? "").slice(0, -10)),
      () => fs.rmSync(marks, { recursive: true }),
    ]) {
      spoil();
      expect([mark("relay-a"), mark("relay-b")]).toEqual([a, b]);
    }
    fs.rmSync(marks, { recursive: true });
    fs.writeFileSync(marks, "no folder");
    expect(mark("relay-a"), "where nothing can be kept").toBe(a);
  });

  test("rested on the machine's id, which every user of it can read: it rests on a random word that nobody else may", () => {
    machineIdIs(`${"1".repeat(32)}\n`);
    const here = mark("relay-a");
    expect(mark("relay-a")).toBe(here);
    expect(fs.statSync(secretFile()).mode & 0o777).toBe(0o600);
    expect(fs.statSync(path.dirname(secretFile())).mode & 0o777).toBe(0o700);
    fs.rmSync(secretFile());
    expect(isMarkFor(here, "relay-a", folder)).toBe(false);
  });

  test("rests on the machine's id where no word can be kept, if that is none that a stranger could guess", () => {
    for (const name of ["home", "xdg"]) fs.writeFileSync(path.join(folder, name), "no folder");
    machineIdIs(`${"1".repeat(32)}\n`);
    const here = mark("relay-a");
    expect(isMarkFor(here, "relay-a", folder)).toBe(true);
    for (const [text, isOurs] of [
      [`${"2".repeat(32)}\n`, false],
      [`${"1".repeat(32)}\n`, true],
    ] as const) {
      vi.mocked(fs.readFileSync).mockRestore();
      machineIdIs(text);
      expect(isMarkFor(here, "relay-a", folder)).toBe(isOurs);
    }
    for (const text of ["", "\n", "uninitialized\n", undefined]) {
      vi.mocked(fs.readFileSync).mockRestore();
      machineIdIs(text);
      expect(() => mark("relay-a")).toThrow(/ENOTDIR/);
    }
  });

  test("was another's where a sandbox or a host said another home folder: the system knows the user's", () => {
    const here = mark("relay-a");
    vi.stubEnv("HOME", path.join(folder, "sandbox"));
    vi.stubEnv("XDG_STATE_HOME", path.join(folder, "flatpak"));
    expect(isMarkFor(here, "relay-a", folder)).toBe(true);
    const inside = mark("relay-b");
    vi.stubEnv("HOME", path.join(folder, "home"));
    vi.stubEnv("XDG_STATE_HOME", "");
    expect(isMarkFor(inside, "relay-b", folder)).toBe(true);
  });

  test("a file for the random word that is empty, as after a power cut, is not used as a secret", () => {
    fs.mkdirSync(path.dirname(secretFile()), { recursive: true });
    fs.writeFileSync(secretFile(), "");
    mark("relay-a");
    expect(fs.readFileSync(secretFile(), "utf8").length).toBeGreaterThan(20);
  });
});

describe("a relay", () => {
  const relayIn = (name: string) => new Relay(path.join(folder, name, ".relay"), { session: "ann" });

  test("that was made here is trusted, one that is not there is not", async () => {
    const relay = relayIn("made");
    expect(await relay.admin.isTrusted()).toBe(false);
    await relay.agents.register();
    expect(await relay.admin.isTrusted()).toBe(true);
  });

  test("that came with a repository is not, whatever mark it carries, until a person trusts it", async () => {
    const theirs = path.join(folder, "cloned", ".relay");
    fs.mkdirSync(theirs, { recursive: true });
    for (const carried of [
      undefined,
      "",
      "0".repeat(32),
      mark("another relay"),
      null,
      [mark("relay-a")],
      ".",
      mark("relay-a"),
    ]) {
      fs.writeFileSync(path.join(theirs, "relay.json"), JSON.stringify({ format: 1, id: "relay-a", mark: carried }));
      expect(await relayIn("cloned").admin.isTrusted()).toBe(false);
    }
    await relayIn("cloned").admin.trust();
    expect(await relayIn("cloned").admin.isTrusted()).toBe(true);
    expect(await new FileStore(theirs).get("relay")).toMatchObject({ format: 2, id: "relay-a" });
  });

  test("that was moved is trusted; a copy of it, with the mark in it, is not", async () => {
    await relayIn("made").agents.register();
    fs.cpSync(path.join(folder, "made"), path.join(folder, "copy"), { recursive: true });
    fs.renameSync(path.join(folder, "made"), path.join(folder, "moved"));
    expect(await relayIn("moved").admin.isTrusted()).toBe(true);
    expect(await relayIn("copy").admin.isTrusted()).toBe(false);
    await relayIn("moved").admin.trust();
    expect(await relayIn("moved").admin.isTrusted()).toBe(true);
  });

  test("that holds messages but no relay.json is not trusted after the first write either", async () => {
    const theirs = path.join(folder, "cloned", ".relay");
    fs.mkdirSync(path.join(theirs, "messages"), { recursive: true });
    fs.writeFileSync(path.join(theirs, "messages", "theirs.json"), "{}");
    await relayIn("cloned").agents.register();
    expect(await relayIn("cloned").admin.isTrusted()).toBe(false);
  });
});
