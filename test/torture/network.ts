import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { expect, onTestFinished } from "vitest";

/** Why no hosts can be made here; undefined where they can. */
export function whyNoHosts(): string | undefined {
  if (process.platform !== "linux") return "only Linux has network namespaces";
  if (process.getuid?.() !== 0) return "not root: no network of several hosts can be made";
  const tried = spawnSync("unshare", ["--net", "ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1"]);
  if (tried.error) return `a network namespace cannot be made: ${tried.error.message}`;
  return tried.status === 0 ? undefined : `no wire between two hosts can be made: ${tried.stderr}`;
}

const RULES =
  "table inet loss { chain in { type filter hook input priority 0; numgen random mod 100 < PERCENT drop; }; }";

/** Hosts on one switch, each a network namespace: what they send reaches nobody else. */
export class Network {
  readonly #namespaces = new Map<string, ChildProcess>();

  static async of(...names: readonly string[]): Promise<Network> {
    const network = new Network();
    onTestFinished(() => network.#end());
    await network.#add("switch");
    network.run("switch", "ip", "link", "add", "bridge", "type", "bridge");
    network.run("switch", "ip", "link", "set", "bridge", "up");
    for (const name of names) await network.#plug(name);
    return network;
  }

  addressOf(name: string): string {
    return `10.77.0.${[...this.#namespaces.keys()].indexOf(name)}`;
  }

  /** Runs a program on a host, to its end. */
  run(name: string, ...command: readonly string[]): string {
    const { status, stdout, stderr, error } = spawnSync("nsenter", this.#into(name, command), { encoding: "utf8" });
    if (error) throw error;
    if (status !== 0) throw new Error(`${command.join(" ")}: ${stderr}`);
    return stdout;
  }

  /** Starts a program on a host. */
  start(name: string, command: readonly string[], options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv }) {
    return spawn("nsenter", this.#into(name, command), { ...options, stdio: ["ignore", "pipe", "pipe"] });
  }

  cut(name: string): void {
    this.run("switch", "ip", "link", "set", `to-${name}`, "down");
  }

  heal(name: string): void {
    this.run("switch", "ip", "link", "set", `to-${name}`, "up");
  }

  /** Loses this part of what comes to each host. False where the system has no means to. */
  lose(percent: number): boolean {
    const hosts = [...this.#namespaces.keys()].filter((name) => name !== "switch");
    for (const name of hosts) {
      const rules = percent === 0 ? "flush ruleset" : RULES.replace("PERCENT", String(percent));
      const { status } = spawnSync("nsenter", this.#into(name, ["nft", rules]));
      if (status !== 0) return false;
    }
    return true;
  }

  #into(name: string, command: readonly string[]): string[] {
    return ["--target", String(this.#namespaces.get(name)?.pid), "--net", "--", ...command];
  }

  async #add(name: string): Promise<void> {
    const child = spawn("unshare", ["--net", "sleep", "infinity"], { stdio: "ignore" });
    await once(child, "spawn");
    const ours = fs.readlinkSync("/proc/self/ns/net");
    await expect.poll(() => fs.readlinkSync(`/proc/${child.pid}/ns/net`)).not.toBe(ours);
    this.#namespaces.set(name, child);
    this.run(name, "ip", "link", "set", "lo", "up");
  }

  async #plug(name: string): Promise<void> {
    await this.#add(name);
    const pid = String(this.#namespaces.get(name)?.pid);
    this.run("switch", "ip", "link", "add", `to-${name}`, "type", "veth", "peer", "name", "wire", "netns", pid);
    this.run("switch", "ip", "link", "set", `to-${name}`, "master", "bridge", "up");
    this.run(name, "ip", "address", "add", `${this.addressOf(name)}/24`, "dev", "wire");
    this.run(name, "ip", "link", "set", "wire", "up");
  }

  #end(): void {
    for (const child of this.#namespaces.values()) child.kill("SIGKILL");
  }
}
