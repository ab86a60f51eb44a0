import { Entry } from "../activity/entry.ts";
import { Agent } from "../agents/agent.ts";
import { Claim } from "../claims/claim.ts";
import { Message } from "../messages/message.ts";
import type { JsonSchema, Schema } from "../schema.ts";
import { moment } from "../schema.ts";
import { Task } from "../tasks/task.ts";
import { API_ROUTES, type ApiRoute, type FieldKind } from "./routes.ts";

const text = { type: "string" };
const whole = { type: "integer" };
const yes = { type: "boolean" };
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const listOf = (items: JsonSchema) => ({ type: "array", items });
const object = (properties: Record<string, JsonSchema>, required: readonly string[]) => ({
  type: "object",
  properties,
  required,
});

/** A record with what an answer adds to it. */
function withMore({ json }: Schema<unknown>, more: Record<string, JsonSchema>): JsonSchema {
  return { ...json, properties: { ...(json.properties as object), ...more } };
}

const DETAILS = object(
  {
    blockers: listOf(
      object(
        {
          session_id: text,
          called: text,
          what: text,
          how: { enum: ["holds", "offered", "line"] },
          until: text,
          reason: text,
        },
        ["session_id", "called", "what", "how"],
      ),
    ),
    circle: listOf(object({ session_id: text, for: text }, ["session_id", "for"])),
    near: listOf(text),
    candidates: listOf(text),
    retry_after_ms: whole,
  },
  [],
);

/** The schemas of the answers. Objects may have more fields than are named: what others add to a record is kept. */
const SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  Agent: withMore(Agent, { presence: { enum: ["active", "idle", "gone"] }, last_seen: moment().json, unread: whole }),
  Agents: listOf(ref("Agent")),
  Message: Message.json,
  Messages: listOf(ref("Message")),
  History: object({ messages: ref("Messages"), has_more: yes }, ["messages", "has_more"]),
  Inbox: object(
    {
      items: listOf(object({ message: ref("Message"), is_new: yes, is_open: yes }, ["message", "is_new", "is_open"])),
      more: whole,
      open_more: whole,
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
  Claim: Claim.json,
  Claims: listOf(ref("Claim")),
  Task: Task.json,
  Tasks: listOf(ref("Task")),
  Status: object(
    { agents: ref("Agents"), claims: ref("Claims"), tasks: ref("Tasks"), task_count: whole, decision_count: whole },
    ["agents", "claims", "tasks", "task_count", "decision_count"],
  ),
  Entry: Entry.json,
  Activity: object({ entries: listOf(ref("Entry")), torn: whole, has_more: yes }, ["entries", "torn", "has_more"]),
  Health: object({ status: text }, ["status"]),
  Error: object(
    { error: object({ code: text, message: text, next: text, details: DETAILS, errno: text }, ["code", "message"]) },
    ["error"],
  ),
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
