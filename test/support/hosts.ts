import { expect } from "vitest";
import type { Host } from "../../src/hosts/host.ts";
import { HOSTS } from "../../src/hosts/hosts.ts";

export function hostFor(agent: string): Host {
  const host = HOSTS.find((one) => one.agent === agent);
  expect(host, agent).toBeDefined();
  return host as Host;
}
