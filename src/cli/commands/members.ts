import path from "node:path";
import { endSessionsOf } from "../../agents/leave.ts";
import { durationOf, formatDuration } from "../../duration.ts";
import { RelayError } from "../../errors.ts";
import { checkScope, type Member, type TokenScope } from "../../identity/member.ts";
import { addToken, members, remove, removedOwners } from "../../identity/membership.ts";
import { makeContext } from "../../open/make-context.ts";
import { findRelay } from "../../open/open.ts";
import type { Cli } from "../cli.ts";
import { defineVerb } from "../command.ts";

interface TokenFacts {
  readonly name: string;
  readonly scope: TokenScope;
  /** For how long it is good, ms. */
  readonly expires: number | undefined;
}

export const verb = defineVerb({
  name: "members",
  about: "Show who may log in to this relay's server, or change that.",
  example: "agent-relay members remove aaron/old-laptop",
  run: list,
  parts: [
    defineVerb({
      name: "list",
      about: "show users, their machines and tokens",
      example: "agent-relay members list",
      run: list,
    }),
    defineVerb({
      name: "remove",
      about: "let a user, or one machine or token of it, in no more: aaron, aaron/laptop",
      example: "agent-relay members remove aaron/laptop",
      words: { "<who>": "" },
      run: (cli, _, { who }) => removeOne(cli, who),
    }),
    defineVerb({
      name: "token",
      about: "make a token for a script, and print it once",
      example: "agent-relay members token ci --scope send",
      words: { "<user>": "" },
      flags: {
        "--name <name>": "what it is called (default script)",
        "--scope <scope>": "read: look at everything; send: send messages alone; all (default read)",
        "--expires <duration>": "for how long it is good; without it, until it is removed",
      },
      run: (cli, { name = "script", scope = "read", expires }, { user }) =>
        token(cli, user, { name, scope: checkScope(scope), expires: durationOf(expires) }),
    }),
  ],
});

async function list(cli: Cli): Promise<void> {
  const { store } = await findRelay(cli.openOptions());
  const all = await members(store);
  const shown = all.map(({ tokens = {}, ...member }) => ({
    ...member,
    tokens: Object.fromEntries(Object.entries(tokens).map(([name, { hash: _, ...token }]) => [name, token])),
  }));
  const text = all.map((member) => describeMember(member, cli.now())).join("");
  await cli.say(shown, text === "" ? "Nobody was let in yet: agent-relay invite\n" : text);
}

function describeMember({ user, machines, tokens = {}, removed_at }: Member, now: number): string {
  const ago = (at: string) => `${formatDuration(Math.max(0, now - Date.parse(at)))} ago`;
  const lines = [
    ...Object.entries(machines).map(
      ([name, { key, added_at }]) => `${user}/${name}  key ${key}, since ${ago(added_at)}`,
    ),
    ...Object.entries(tokens).map(
      ([name, { scope, added_at, expires_at }]) =>
        `${user}/${name}  token to ${scope}, since ${ago(added_at)}${expires_at === undefined ? "" : Date.parse(expires_at) <= now ? ", expired" : `, for ${formatDuration(Date.parse(expires_at) - now)}`}`,
    ),
  ];
  return `${lines.length > 0 ? lines.join("\n") : `${user}  ${removed_at === undefined ? "by token alone" : "let in no more"}`}\n`;
}

async function removeOne(cli: Cli, who: string): Promise<void> {
  const [user = "", name, more] = who.split("/");
  if (more !== undefined)
    throw new RelayError("usage", `Cannot tell who "${who}" is: write aaron, or aaron/laptop`, {
      next: "agent-relay members",
    });
  const { store, project, now } = await findRelay(cli.openOptions());
  await remove(store, now(), user, name);
  // A server that serves this relay ends its sessions too, when it sees the change.
  const context = makeContext({
    store,
    project: path.dirname(project.dir),
    now,
    session: "nobody",
    agent: "agent-relay",
  });
  const gone = project.server === undefined ? await endSessionsOf(context, await removedOwners(store)) : [];
  const sessions = gone.map(({ session_id }) => session_id);
  const ended = gone.length === 0 ? "" : `; ended: ${sessions.join(", ")}`;
  await cli.say({ removed: who, ended: sessions }, `${who} is let in no more; what it has open ends now${ended}\n`);
}

async function token(cli: Cli, user: string, { name, scope, expires }: TokenFacts): Promise<void> {
  const { store } = await findRelay(cli.openOptions());
  const by = await store.served?.owner?.();
  const secret = await addToken(store, cli.now(), { user, name, scope, expires, by });
  await cli.say(
    { token: secret, user, name, scope },
    `${secret}\nGood to ${scope}. Put it into AGENT_RELAY_TOKEN, or: curl -H "Authorization: Bearer $AGENT_RELAY_TOKEN"\n`,
  );
}
