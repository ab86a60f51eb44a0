import { entryLine, sessionsIn } from "../../render/activity.ts";
import { messageLines } from "../../render/messages.ts";
import { cleanLine, json } from "../../text.ts";
import { defineVerb } from "../command.ts";

export const verb = defineVerb({
  name: "explain",
  about: "Show the whole life of a message, claim, task, wait or decision.",
  words: { "<id>": "its id" },
  example: "agent-relay explain tgh7w2",
  async run(cli, _, { id }) {
    const relay = await cli.open();
    const found = await relay.activity.explain(id);
    const { record } = found;
    const named = record === undefined ? [] : sessionsOf(record);
    const names = await relay.agents.names([...named, ...sessionsIn(found.entries)]);
    const isMessage = record !== undefined && "from_session" in record;
    const head =
      record === undefined
        ? []
        : isMessage
          ? [messageLines(record, relay.session ?? "", names, cli.now())]
          : [json(calledIn(record, names), 2)];
    const receipts = isMessage
      ? Object.entries(record.receipts ?? {}).map(
          ([session, receipt]) => `  ${json({ session: names.get(session) ?? session, ...receipt })}`,
        )
      : [];
    const aside = found.set_aside;
    const broken = aside
      ? [
          `${cleanLine(found.id)} could not be read (${cleanLine(aside.reason)}) and was set aside as ${cleanLine(aside.file)}: agent-relay quarantine\n`,
        ]
      : [];
    const lines = [...head, ...broken, ...receipts, ...found.entries.map((entry) => entryLine(entry, names))];
    await cli.say(found, cli.framed(lines, "what agents say"));
  },
});

const SESSION_FIELDS = ["session_id", "created_by", "from_session", "to_session", "session", "reader"];

/** The sessions that a record names, at whatever depth. */
function sessionsOf(record: unknown): string[] {
  if (typeof record !== "object" || record === null) return [];
  return Object.entries(record).flatMap(([name, value]) => [
    ...(typeof value === "string" && SESSION_FIELDS.includes(name) ? [value] : []),
    ...(name === "receipts" ? Object.keys(Object(value)) : sessionsOf(value)),
  ]);
}

/** The record with the names of sessions in place of their ids. */
function calledIn(record: unknown, names: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(record)) return record.map((each) => calledIn(each, names));
  if (typeof record !== "object" || record === null) return record;
  const called = (name: string, value: unknown) =>
    typeof value === "string" && SESSION_FIELDS.includes(name) ? (names.get(value) ?? value) : calledIn(value, names);
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, called(name, value)]));
}
