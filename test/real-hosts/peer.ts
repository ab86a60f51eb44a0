import type { Case } from "./project.ts";

/** Another agent in the project, of a process that lives. */
export class Peer {
  /** The ids of its messages, by their text. */
  readonly sent = new Map<string, string>();
  readonly #at: Case;

  constructor(at: Case) {
    this.#at = at;
  }

  async comes(): Promise<void> {
    await this.types("register", "--agent", "codex", "--pid", String(process.pid));
  }

  types(verb: string, ...args: string[]): Promise<string> {
    return this.#at.relay(verb, "--session", "bob", ...args);
  }

  async sends(text: string, ...to: string[]): Promise<void> {
    const said = await this.types("send", ...to, text);
    this.sent.set(text, said.split(" ")[0] ?? "");
  }

  /** The session of the other one here. */
  async finds(): Promise<string> {
    const agents: readonly { session_id: string }[] = JSON.parse(await this.types("agents", "--json"));
    return agents.find(({ session_id }) => session_id !== "bob")?.session_id ?? "nobody";
  }
}
