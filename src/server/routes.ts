import { parseDuration } from "../duration.ts";
import { RelayError } from "../errors.ts";
import type { SendOptions } from "../messages/send.ts";
import type { Relay } from "../relay.ts";
import { flagIn, integerIn, type Params, textIn, textsIn } from "./params.ts";

/** What a plain route is given. */
export interface RouteRequest {
  readonly relay: Relay;
  /** The words in the path. */
  readonly words: Readonly<Record<string, string>>;
  /** The parameters: from the body, or from the query for a `get` and for an empty body. */
  readonly fields: Params;
}

/** A route for people with curl, as it is answered and as it is documented. */
export interface ApiRoute {
  readonly method: "get" | "post" | "delete";
  /** With `{id}` for a segment that varies. */
  readonly path: string;
  readonly about: string;
  /** Each field that may be given, with what it is. Those of a `get` stand in the query. */
  readonly fields: Readonly<Record<string, FieldKind>>;
  readonly required?: readonly string[];
  /** The name of the answer's schema. */
  readonly answers: string;
  readonly status?: 201;
  readonly run: (request: RouteRequest) => Promise<unknown>;
}

export interface FieldKind {
  readonly type: "string" | "integer" | "boolean" | "strings";
  readonly about: string;
}

const text = (about: string): FieldKind => ({ type: "string", about });
const number = (about: string): FieldKind => ({ type: "integer", about });
const flag = (about: string): FieldKind => ({ type: "boolean", about });
const texts = (about: string): FieldKind => ({ type: "strings", about });

const COUNT_FIELD = { limit: number("the most that is answered") };
const CLAIMED = {
  paths: texts("files, folders or globs, relative to the project's folder"),
  resources: texts("named things that are no files"),
};
const ANSWER = {
  content: text("the text"),
  kind: text("info, question, ack, status, decision or permission"),
  ack: flag("it comes back at each look until it is acked or answered"),
};
const MESSAGE = {
  ...ANSWER,
  to: texts("session ids, their unique beginnings, names, role:<role>, human, or all; without it, all"),
  thread: text("the id of any message of the conversation it belongs to"),
  reply_to: text("the id of the message it answers"),
  deadline: text("you are told if it is not answered within this: 10m"),
  expires: text("nobody is shown it after this: 2h"),
  report: flag("also say what is known of each recipient, which costs a look at each"),
  keep: flag("leave it for a session that is not known yet"),
};

export const API_ROUTES: readonly ApiRoute[] = [
  {
    ...{ method: "get", path: "/agents", about: "Everyone who is here.", fields: {}, answers: "Agents" },
    run: ({ relay }) => relay.agents.list(),
  },
  {
    ...{ method: "post", path: "/agents", about: "Makes your session known.", answers: "Agent", status: 201 },
    fields: { name: text("a short handle, unique in the project"), role: text("what it is for") },
    run: ({ relay, fields }) => relay.agents.register({ name: textIn(fields, "name"), role: textIn(fields, "role") }),
  },
  {
    ...{
      method: "delete",
      path: "/agents",
      about: "Ends your session; its mail is kept.",
      fields: {},
      answers: "Agent",
    },
    run: async ({ relay }) => (await relay.agents.unregister()) ?? notRegistered(relay),
  },
  {
    ...{
      method: "get",
      path: "/inbox",
      about: "What waits for you. Marks nothing.",
      fields: COUNT_FIELD,
      answers: "Inbox",
    },
    run: ({ relay, fields }) => relay.inbox({ peek: true, limit: integerIn(fields, "limit") ?? 10 }),
  },
  {
    ...{ method: "post", path: "/inbox/read", about: "Marks messages as read.", answers: "Messages" },
    fields: { ids: texts("the messages that were shown") },
    required: ["ids"],
    run: ({ relay, fields }) => relay.messages.markRead(textsIn(fields, "ids") ?? []),
  },
  {
    ...{ method: "get", path: "/unread", about: "How many messages wait; 1001 is more.", fields: {}, answers: "Count" },
    run: async ({ relay }) => ({ unread: await relay.messages.unreadCount() }),
  },
  {
    ...{ method: "post", path: "/messages", about: "Sends a message.", answers: "Sent", status: 201 },
    fields: MESSAGE,
    required: ["content"],
    run: ({ relay, fields }) => relay.send(textIn(fields, "content") ?? "", sendOptions(fields)),
  },
  {
    ...{ method: "get", path: "/messages/{id}", about: "One message.", fields: {}, answers: "Message" },
    run: ({ relay, words }) => relay.messages.get(words.id ?? ""),
  },
  {
    ...{
      method: "post",
      path: "/messages/{id}/ack",
      about: "Says that it was dealt with.",
      fields: {},
      answers: "Message",
    },
    run: ({ relay, words }) => relay.messages.ack(words.id ?? ""),
  },
  {
    ...{ method: "post", path: "/messages/{id}/reply", about: "Answers a message.", answers: "Sent", status: 201 },
    fields: ANSWER,
    required: ["content"],
    run: ({ relay, words, fields }) =>
      relay.reply(words.id ?? "", textIn(fields, "content") ?? "", sendOptions(fields)),
  },
  {
    ...{ method: "get", path: "/threads/{id}", about: "A whole conversation.", fields: {}, answers: "Messages" },
    run: ({ relay, words }) => relay.messages.thread(words.id ?? ""),
  },
  {
    ...{
      method: "get",
      path: "/history",
      about: "Messages sent and received.",
      fields: COUNT_FIELD,
      answers: "History",
    },
    run: ({ relay, fields }) => relay.messages.history({ limit: integerIn(fields, "limit") ?? 20 }),
  },
  {
    ...{ method: "get", path: "/claims", about: "What is claimed, by whom.", fields: {}, answers: "Claims" },
    run: ({ relay }) => relay.claims.list(),
  },
  {
    ...{ method: "post", path: "/claims", about: "Reserves all of these, or none.", answers: "Claim", status: 201 },
    fields: { ...CLAIMED, reason: text("why"), ttl: text("how long it lasts if it is not renewed: 30m") },
    run: ({ relay, fields }) =>
      relay.claim(textsIn(fields, "paths") ?? [], {
        resources: textsIn(fields, "resources"),
        reason: textIn(fields, "reason"),
        ttlMs: durationIn(fields, "ttl"),
      }),
  },
  {
    ...{ method: "delete", path: "/claims", about: "Gives back these, or all you have.", answers: "Claims" },
    fields: CLAIMED,
    run({ relay, fields }) {
      const [paths = [], resources = []] = [textsIn(fields, "paths"), textsIn(fields, "resources")];
      return paths.length + resources.length === 0 ? relay.claims.releaseAll() : relay.release(paths, { resources });
    },
  },
  {
    ...{ method: "get", path: "/tasks", about: "Tasks that are not over.", fields: {}, answers: "Tasks" },
    run: async ({ relay }) => (await relay.tasks.list()).tasks,
  },
  {
    ...{ method: "post", path: "/tasks", about: "Adds a task.", answers: "Task", status: 201 },
    fields: { title: text("one line"), description: text("more"), files: texts("paths or globs") },
    required: ["title"],
    run: ({ relay, fields }) =>
      relay.tasks.add(textIn(fields, "title") ?? "", {
        description: textIn(fields, "description"),
        files: textsIn(fields, "files"),
      }),
  },
  {
    ...{ method: "get", path: "/status", about: "Who does what, in one object.", fields: {}, answers: "Status" },
    run: ({ relay }) => relay.activity.snapshot(),
  },
  {
    ...{
      method: "get",
      path: "/activity",
      about: "What happened in the last day.",
      fields: COUNT_FIELD,
      answers: "Activity",
    },
    run: ({ relay, fields }) => relay.activity.list({ limit: integerIn(fields, "limit") ?? 50 }),
  },
];

function sendOptions(fields: Params): SendOptions {
  const kind = textIn(fields, "kind");
  return {
    report: flagIn(fields, "report"),
    to: textsIn(fields, "to"),
    kind: kind as SendOptions["kind"], // checked where it is sent
    thread: textIn(fields, "thread"),
    replyTo: textIn(fields, "reply_to"),
    ack: flagIn(fields, "ack"),
    keep: flagIn(fields, "keep"),
    deadlineMs: durationIn(fields, "deadline"),
    expiresMs: durationIn(fields, "expires"),
  };
}

function durationIn(fields: Params, name: string): number | undefined {
  const word = textIn(fields, name);
  return word === undefined ? undefined : parseDuration(word);
}

function notRegistered(relay: Relay): never {
  throw new RelayError("not_found", `Cannot end "${relay.session}": it is not registered`);
}
