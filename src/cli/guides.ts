import fs from "node:fs";
import path from "node:path";
import { systemError } from "../errors.ts";

/** The guides: `guides/<topic>.md`, and what the list of them says. */
export const TOPICS: Readonly<Record<string, string>> = {
  identity: "who you are, and who is here",
  relays: "which folder, and its end",
  claims: "leases on files: what they mean, and for how long",
  tasks: "a board that agents take work from",
  waits: "to wait for others, and how long a host lets you",
  hooks: "mail and claims without asking; to wake or start an agent",
  mcp: "the relay as tools; to ask for permission",
  network: "other machines: serve, login, mirror",
  files: "what is on disk",
  library: "for programs: import { Relay } from 'agent-relay'",
  scripting: "exit codes, JSON, variables",
  compatibility: "the Rust crate agent-relay",
  security: "what is trusted, and what is proved",
  limits: "how much, how long, on which disks",
};

/** A guide's text. `script`: the command's file, which the guides stand beside. */
export function guide(topic: string, script: string): string {
  const file = path.join(path.dirname(fs.realpathSync(script)), "../src/cli/guides", `${topic}.md`);
  try {
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    throw systemError(`read the guide "${file}"`, error);
  }
}
