import { Agent, checkAgentId, checkName, checkSession } from "../agents/agent.ts";
import { RelayError } from "../errors.ts";
import { nameOf, type Value } from "../store/store.ts";
import { jsonText } from "../text.ts";
import {
  type AccessFacts,
  type AccessRule,
  type Caller,
  checkSize,
  isTheirs,
  type RecordChange,
  refused,
  registrationIn,
  registrationsOf,
  userOf,
} from "./policy.ts";
import { reservedBy, usersIn } from "./reserved.ts";

/** A session belongs to the owner that registers it first. Nobody else acts for it, or says that it has ended. */
export const agentRule: AccessRule = {
  needs: (key, { next }, known) => {
    const session = nameOf(key);
    const names = [session, next?.name].filter((name) => typeof name === "string");
    const namesake = sessionIn(known.get(`names/${session}`));
    return [
      ...[session, ...namesake].flatMap(registrationsOf),
      ...names.map((name) => `names/${name}`),
      ...usersIn(session),
    ];
  },
  check(caller, key, { next }, facts) {
    const session = nameOf(key);
    checkOwner(caller, key, session, facts);
    if (next === undefined) return;
    checkReserved(caller, key, session, facts);
    const agent = Agent.parse(next, key);
    if (agent.session_id !== session) throw refused(key, `it is the registration of ${jsonText(agent.session_id)}`);
    checkSession(session);
    const [namesake] = sessionIn(facts.records.get(`names/${session}`));
    if (namesake !== undefined && namesake !== session && facts.records.get(`agents/${namesake}`)?.name === session)
      throw refused(key, `session ${namesake} has that as its name`);
    checkAgentId(agent.agent_id);
    if (agent.role !== undefined) checkName(agent.role, "role");
    if (typeof agent.metadata !== "object" || agent.metadata === null || Array.isArray(agent.metadata))
      throw new RelayError("usage", `Cannot write "${key}": its metadata is no object`);
    checkSize(key, next, MAX_RECORD_BYTES);
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
  needs: (key) => [...registrationsOf(nameOf(key)), ...usersIn(nameOf(key))],
  check(caller, key, { next }, facts) {
    const session = nameOf(key);
    checkOwner(caller, key, session, facts);
    if (next === undefined) return;
    checkReserved(caller, key, session, facts);
    if (Agent.parse(next, key).session_id !== checkSession(session)) throw refused(key, "it is of another session");
    checkSize(key, next, MAX_RECORD_BYTES);
  },
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

/**
 * A name belongs to a session for as long as that session is registered under it, and afterwards to its user: mail and
 * questions for the name come from those who mean that user. What a removed user was called is free.
 */
export const nameRule: AccessRule = {
  needs: (key, { old, next }, known) => {
    const users = sessionIn(old).map((session) => userOf(registrationIn({ records: known }, session)?.owner));
    return [
      ...[old, next].flatMap((record) => sessionIn(record).flatMap(registrationsOf)),
      ...users.flatMap((user) => (user === undefined ? [] : [`members/${user}`])),
      ...usersIn(nameOf(key)),
      ...registrationsOf(nameOf(key)),
    ];
  },
  check(caller, key, { old, next }: RecordChange, facts) {
    const name = checkName(nameOf(key));
    checkReserved(caller, key, name, facts);
    if (facts.records.get(`agents/${name}`) && !isTheirs(caller, name, facts))
      throw refused(key, `it is another session's id`);
    const [holder] = sessionIn(old);
    const registration = holder === undefined ? undefined : registrationIn(facts, holder);
    const hasIt = holder !== undefined && facts.records.get(`agents/${holder}`)?.name === name;
    if (hasIt && !isTheirs(caller, holder, facts)) throw refused(key, `${holder} has that name`);
    const user = userOf(registration?.owner);
    const isFree = user !== undefined && facts.records.get(`members/${user}`)?.removed_at !== undefined;
    if (registration && user !== userOf(caller.owner) && !isFree) throw refused(key, `${holder} had that name`);
    if (next !== undefined && !isTheirs(caller, next.session_id, facts)) throw refused(key, "it is for another");
  },
};

function checkReserved(caller: Caller, key: string, word: string, facts: AccessFacts): void {
  const whose = reservedBy(caller, word, facts);
  if (whose !== undefined) throw refused(key, `${jsonText(word)} is how ${whose} is called`);
}

function sessionIn(record: Value | undefined): string[] {
  return typeof record?.session_id === "string" ? [record.session_id] : [];
}
