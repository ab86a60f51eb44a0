import type { Agent, Teller } from "../agents/agent.ts";
import * as leaving from "../agents/leave.ts";
import * as registration from "../agents/register.ts";
import * as registry from "../agents/registry.ts";
import type { RegisterOptions } from "../context.ts";
import { RelayError } from "../errors.ts";
import { checkOptions } from "../limits.ts";
import { agentsWithUnread } from "../messages/mailbox.ts";
import { jsonText } from "../text.ts";
import type { Acting } from "./acting.ts";
import { REGISTER } from "./options.ts";

const load = {
  yields: () => import("../messages/yields.ts"),
  status: () => import("../agents/status.ts"),
};

export interface AgentListOptions {
  /** Also says how many unread messages each has, which costs a look into each inbox. */
  readonly unread?: boolean | undefined;
}

/** Who is here: `relay.agents`. */
export class Agents {
  readonly #acting: Acting;

  /** @internal */
  constructor(acting: Acting) {
    this.#acting = acting;
  }

  /** Registers this session anew, and lists the last day's broadcasts for it. Throws `conflict` for a taken name. */
  async register(options?: RegisterOptions): Promise<Agent> {
    checkOptions("register", options, REGISTER);
    return registration.register(this.#acting.mine(), options);
  }

  /** Renews this session's sign of life, and says what tells it of mail. Never registers it: undefined if it is not registered. */
  async heartbeat(tells?: Teller): Promise<Agent | undefined> {
    return registration.heartbeat(this.#acting.mine(), tells);
  }

  /** Ends this session and gives back its claims. Its mail stays for its return. Undefined if it was not registered. */
  async unregister(): Promise<Agent | undefined> {
    const left = await leaving.unregister(this.#acting.mine());
    await (await load.yields()).releaseAndTell(this.#acting.mine(), "all");
    return left;
  }

  /** Everyone registered, the last seen first; with `unread`, also how many unread messages each has. */
  async list(options: AgentListOptions = {}): Promise<registry.AgentView[]> {
    checkOptions("list agents", options, { unread: true });
    const look = options.unread ? agentsWithUnread : registry.agents;
    return look(this.#acting.anyone());
  }

  /** One session, also one that has ended, by its id, a unique beginning of it, or its name. Throws `not_found`. */
  async get(word: string): Promise<registry.AgentView> {
    const agent = (await this.find(word)) ?? (await this.find(await this.resolve(word)));
    if (agent) return agent;
    throw new RelayError("not_found", `Cannot find the session ${jsonText(word)}`, { next: "agent-relay agents" });
  }

  /** One session, also one that has ended, by its whole id, or undefined. */
  async find(session: string): Promise<registry.AgentView | undefined> {
    return registry.find(this.#acting.anyone(), session);
  }

  /** The session's id that an id, its unique beginning, or a name means. Throws `not_found`. */
  async resolve(word: string): Promise<string> {
    return registry.sessionOf(this.#acting.anyone(), word);
  }

  /** What these sessions are called, also those that have ended: the id where one has no name. */
  async names(sessions: Iterable<string | undefined>): Promise<ReadonlyMap<string, string>> {
    return registry.namesOf(this.#acting.anyone(), sessions);
  }

  /** Says in one line what this session does; `list` shows it to the others. */
  async setStatus(line: string): Promise<void> {
    return (await load.status()).setStatus(this.#acting.mine(), line);
  }
}
