import { Agent, checkAgentId, checkName, checkSession } from "../agents/agent.ts";
import { nameOf, type Value } from "../store/store.ts";
import { jsonText } from "../text.ts";
import {
  type AccessFacts,
  type AccessRule,
  type Caller,
  isTheirs,
  type RecordChange,
  refused,
  registrationIn,
  registrationsOf,
} from "./policy.ts";

/** A session belongs to the owner that registers it first. Nobody else acts for it, or says that it has ended. */
export const agentRule: AccessRule = {
  needs: (key, { next }, known) => {
    const session = nameOf(key);
    const names = [session, next?.name].filter((name) => typeof name === "string");
    const namesake = sessionIn(known.get(`names/${session}`));
    return [...[session, ...namesake].flatMap(registrationsOf), ...names.map((name) => `names/${name}`)];
  },
  check(caller, key, { next }, facts) {
    const session = nameOf(key);
    checkOwner(caller, key, session, facts);
    if (next === undefined) return;
    const agent = Agent.parse(next, key);
    if (agent.session_id !== session) throw refused(key, `it is the registration of ${jsonText(agent.session_id)}`);
    checkSession(session);
    const [namesake] = sessionIn(facts.records.get(`names/${session}`));
    if (namesake !== undefined && namesake !== session && facts.records.get(`agents/${namesake}`)?.name === session)
      throw refused(key, `session ${namesake} has that as its name`);
    checkAgentId(agent.agent_id);
    if (Buffer.byteLength(jsonText(next)) > MAX_RECORD_BYTES)
      throw refused(key, `it has more than ${MAX_RECORD_BYTES} bytes`);
    if (agent.name !== undefined && holderOf(facts, agent.name) !== session)
      throw refused(key, `it is not the one that has the name ${jsonText(agent.name)}`);
  },
  stamped({ owner, elsewhere }, next) {
    if (owner === undefined) return next;
    if (next.place !== elsewhere) return { ...next, owner };
    // A caller that claims a process of the server's own machine could have that process ended in its stead.
    const { pid_started: _, place: __, other_processes: ___, left_processes: ____, ...rest } = next;
    return { ...rest, pid: 0, owner };
  },
};

const MAX_RECORD_BYTES = 32 * 1024; // of a registration

/** The same for the registration of a session that has ended. */
export const archiveRule: AccessRule = {
  needs: (key) => registrationsOf(nameOf(key)),
  check: (caller, key, _, facts) => checkOwner(caller, key, nameOf(key), facts),
  ...(agentRule.stamped && { stamped: agentRule.stamped }),
};

function checkOwner(caller: Caller, key: string, session: string, facts: AccessFacts): void {
  const known = registrationIn(facts, session);
  if (known === undefined ? session === caller.session : isOwn(caller, known)) return;
  throw refused(key, `${session} is not yours`);
}

function isOwn({ owner }: Caller, agent: Value): boolean {
  return agent.owner === owner;
}

function holderOf(facts: AccessFacts, name: string): unknown {
  return facts.records.get(`names/${name}`)?.session_id;
}

/** A name belongs to a session for as long as that session is registered under it. */
export const nameRule: AccessRule = {
  needs: (_, { old, next }) => [old, next].flatMap((record) => sessionIn(record).flatMap(registrationsOf)),
  check(caller, key, { old, next }: RecordChange, facts) {
    const name = checkName(nameOf(key));
    const [holder] = sessionIn(old);
    const hasIt = holder !== undefined && facts.records.get(`agents/${holder}`)?.name === name;
    if (hasIt && !isTheirs(caller, holder, facts)) throw refused(key, `${holder} has that name`);
    if (next !== undefined && !isTheirs(caller, next.session_id, facts)) throw refused(key, "it is for another");
  },
};

function sessionIn(record: Value | undefined): string[] {
  return typeof record?.session_id === "string" ? [record.session_id] : [];
}
