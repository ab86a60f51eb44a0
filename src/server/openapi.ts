import { KINDS } from "../messages/message.ts";
import { API_ROUTES, type ApiRoute, type FieldKind } from "./routes.ts";

type JsonSchema = Readonly<Record<string, unknown>>;

const text = { type: "string" };
const whole = { type: "integer" };
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const listOf = (items: JsonSchema) => ({ type: "array", items });
const object = (properties: Record<string, JsonSchema>, required: readonly string[]) => ({
  type: "object",
  properties,
  required,
});

/** The schemas of the answers. Objects may have more fields than are named: what others add to a record is kept. */
const SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  Agent: object(
    {
      ...{ session_id: text, agent_id: text, pid: whole, registered_at: whole, last_heartbeat: whole, metadata: {} },
      ...{ name: text, role: text, status: text, owner: text, presence: { enum: ["active", "idle", "gone"] } },
    },
    ["session_id", "agent_id", "pid", "registered_at", "last_heartbeat", "metadata"],
  ),
  Agents: listOf(ref("Agent")),
  Message: object(
    {
      ...{ id: text, from_session: text, from_agent: text, to_session: { type: ["string", "null"] }, content: text },
      ...{ timestamp: whole, read_by: listOf(text), sent_at: text, seq: whole, kind: { enum: KINDS }, thread: text },
      ...{
        reply_to: text,
        via: text,
        batch: text,
        ack_required: { type: "boolean" },
        expires_at: text,
        receipts: { type: "object" },
      },
    },
    ["id", "from_session", "from_agent", "to_session", "content", "timestamp", "read_by"],
  ),
  Messages: listOf(ref("Message")),
  Inbox: object(
    {
      items: listOf(
        object({ message: ref("Message"), is_new: { type: "boolean" }, is_open: { type: "boolean" } }, [
          "message",
          "is_new",
          "is_open",
        ]),
      ),
      ...{ more: whole, open_more: whole },
    },
    ["items", "more", "open_more"],
  ),
  Count: object({ unread: whole }, ["unread"]),
  Sent: object(
    {
      id: text,
      batch: text,
      messages: ref("Messages"),
      recipients: listOf(object({ session_id: text }, ["session_id"])),
    },
    ["id", "messages", "recipients"],
  ),
  Claim: object(
    {
      ...{ id: text, session_id: text, agent_id: text, mode: { enum: ["exclusive", "shared"] }, reason: text },
      targets: listOf(object({ path: text, resource: text }, [])),
      ...{ token: whole, claimed_at: whole, expires_at: whole, ttl: whole },
    },
    ["id", "session_id", "targets", "token", "expires_at"],
  ),
  Claims: listOf(ref("Claim")),
  Task: object(
    {
      ...{ id: text, title: text, description: text, files: listOf(text), priority: whole, depends_on: listOf(text) },
      ...{
        state: text,
        owner: { type: "object" },
        notes: listOf({ type: "object" }),
        created_by: text,
        created_at: whole,
      },
    },
    ["id", "title", "state", "created_by", "created_at"],
  ),
  Tasks: listOf(ref("Task")),
  Status: object(
    { agents: ref("Agents"), claims: ref("Claims"), tasks: ref("Tasks"), task_count: whole, decision_count: whole },
    ["agents", "claims", "tasks", "task_count", "decision_count"],
  ),
  Activity: object(
    { entries: listOf(object({ at: text, session: text, event: text }, ["at", "session", "event"])), torn: whole },
    ["entries", "torn"],
  ),
  Health: object({ status: text }, ["status"]),
  Error: object({ error: object({ code: text, message: text, next: text, errno: text }, ["code", "message"]) }, [
    "error",
  ]),
};

const ERRORS: Readonly<Record<string, string>> = {
  400: "A field that is missing, misspelt or of the wrong kind.",
  401: "No token, or not one that is known here.",
  403: "Not yours, or not what this token is for.",
  404: "Not there, or not for you: which of them is not told.",
  409: "Held or taken by another.",
  429: "Too often, too large, or full. Retry-After says when, where it is a matter of time.",
};

/** The description of the plain routes, as OpenAPI 3.1. */
export function openApi(version: string): JsonSchema {
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const route of API_ROUTES) paths[route.path] = { ...paths[route.path], [route.method]: operation(route) };
  return {
    openapi: "3.1.0",
    info: {
      title: "agent-relay",
      version,
      description:
        "Plain routes of a relay, for people with curl and for scripts. A relay that is not the first one served has its name before each path. Times are Unix ms, but those that end in _at of agents and messages, which are as on disk.",
    },
    security: [{ token: [] }],
    paths: { ...paths, "/events": { get: EVENTS }, "/health": { get: HEALTH }, "/metrics": { get: METRICS } },
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      parameters: {
        session: parameter(
          "header",
          "Agent-Relay-Session",
          "The session you act for; default one named after the token.",
        ),
        once: parameter(
          "header",
          "Idempotency-Key",
          "A word of your own: the same request with the same word is done once.",
        ),
      },
      schemas: SCHEMAS,
    },
  };
}

function operation({ method, path, about, fields, required = [], answers, status }: ApiRoute): JsonSchema {
  const words = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({
    ...parameter("path", name, "its id"),
    required: true,
  }));
  const inQuery = method === "get" ? Object.entries(fields) : [];
  const inBody = method === "get" ? [] : Object.entries(fields);
  const shared = ["session", ...(method === "get" ? [] : ["once"])].map((name) => ({
    $ref: `#/components/parameters/${name}`,
  }));
  return {
    summary: about,
    parameters: [
      ...shared,
      ...words,
      ...inQuery.map(([name, kind]) => ({ ...parameter("query", name, kind.about), schema: schemaOf(kind) })),
    ],
    ...(inBody.length > 0 && {
      requestBody: {
        required: required.length > 0,
        content: {
          "application/json": {
            schema: {
              type: "object",
              properties: Object.fromEntries(
                inBody.map(([name, kind]) => [name, { ...schemaOf(kind), description: kind.about }]),
              ),
              required,
              additionalProperties: false,
            },
          },
        },
      },
    }),
    responses: { [status ?? 200]: answer("Done.", ref(answers)), ...errors() },
  };
}

function schemaOf({ type }: FieldKind): JsonSchema {
  return type === "strings" ? { oneOf: [text, listOf(text)] } : { type };
}

function parameter(place: string, name: string, description: string): JsonSchema {
  return { name, in: place, description, schema: text };
}

function answer(description: string, schema: JsonSchema): JsonSchema {
  return { description, content: { "application/json": { schema } } };
}

function errors(): Record<string, JsonSchema> {
  return Object.fromEntries(Object.entries(ERRORS).map(([status, about]) => [status, answer(about, ref("Error"))]));
}

const EVENTS: JsonSchema = {
  summary: "Your unread messages, now and as they come, as Server-Sent Events. Marks nothing.",
  parameters: [
    { $ref: "#/components/parameters/session" },
    parameter("header", "Last-Event-ID", "The last message that you have: those after it follow."),
  ],
  responses: {
    200: {
      description: "A stream of events `message`, each with a Message; `end` tells why the stream ends.",
      content: { "text/event-stream": { schema: text } },
    },
    ...errors(),
  },
};
const HEALTH: JsonSchema = {
  summary: "Whether every relay here can be written and read. For anybody.",
  security: [],
  responses: { 200: answer("It is well.", ref("Health")), 503: answer("It is not.", ref("Error")) },
};
const METRICS: JsonSchema = {
  summary: "What is counted, in Prometheus' text format.",
  responses: { 200: { description: "Counters.", content: { "text/plain": { schema: text } } }, ...errors() },
};
