import { Relay } from "../../src/relay.ts";

export function relay(dir: string, session: string, options = {}): Relay {
  return new Relay(dir, { session, agent: "claude", durability: "process", ...options });
}
