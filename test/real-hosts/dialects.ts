import { newNonce } from "../../src/id.ts";

/** What a model says: text, or that a tool is to run, of a `space` where it has one; `text` is for a tool that takes just that. */
export type Answer =
  | { readonly tool?: never; readonly text: string }
  | { readonly tool: string; readonly space?: string; readonly input: Readonly<Record<string, unknown>> }
  | { readonly tool: string; readonly text: string };

type Body = Readonly<Record<string, unknown>>;

interface Reply {
  readonly type: string;
  readonly content: string;
}

/** How one maker's service is asked, and how it answers. */
interface Dialect {
  readonly path: RegExp;
  /** The events of a stream. */
  stream(id: string, answer: Answer): string;
  /** The same in one piece. */
  whole(id: string, answer: Answer): unknown;
}

/** Whether a request is a step of the conversation: those offer tools. Others ask for a title, a count, a summary. */
export function isTurn(path: string, { tools, input }: Body): boolean {
  if (dialectOf(path) === undefined) return false;
  return (Array.isArray(tools) && tools.length > 0) || JSON.stringify(input ?? "").includes('"additional_tools"');
}

export function answerTo(path: string, body: Body, answer: Answer): Reply {
  const dialect = dialectOf(path);
  if (!dialect) return json(OTHERS.find(([pattern]) => pattern.test(path))?.[1] ?? {});
  const given = isTurn(path, body) ? answer : { text: wantedBy(body) };
  const id = newNonce();
  if (body.stream !== true && !path.includes("stream")) return json(dialect.whole(id, given));
  return { type: "text/event-stream", content: dialect.stream(id, given) };
}

const OTHERS: readonly (readonly [RegExp, unknown])[] = [
  [/count_tokens$/, { input_tokens: 1 }],
  [/:countTokens$/, { totalTokens: 1 }],
  [/\/models$/, { object: "list", data: [{ id: "stub", object: "model" }], models: [] }],
];

const anthropic: Dialect = {
  path: /\/messages$/,
  whole(id, answer) {
    const block =
      answer.tool === undefined
        ? { type: "text", text: answer.text }
        : { type: "tool_use", id: `toolu_${id}`, name: answer.tool, input: inputOf(answer) };
    const ends = { stop_reason: answer.tool === undefined ? "end_turn" : "tool_use", stop_sequence: null };
    return { ...ofAnthropic(id), content: [block], ...ends };
  },
  stream(id, answer) {
    const [block, delta] =
      answer.tool === undefined
        ? [
            { type: "text", text: "" },
            { type: "text_delta", text: answer.text },
          ]
        : [
            { type: "tool_use", id: `toolu_${id}`, name: answer.tool, input: {} },
            { type: "input_json_delta", partial_json: JSON.stringify(inputOf(answer)) },
          ];
    const ends = { stop_reason: answer.tool === undefined ? "end_turn" : "tool_use", stop_sequence: null };
    return events([
      { type: "message_start", message: { ...ofAnthropic(id), content: [], stop_reason: null, stop_sequence: null } },
      { type: "content_block_start", index: 0, content_block: block },
      { type: "content_block_delta", index: 0, delta },
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: ends, usage: { output_tokens: 1 } },
      { type: "message_stop" },
    ]);
  },
};

function ofAnthropic(id: string) {
  const usage = { input_tokens: 1, output_tokens: 1 };
  return { id: `msg_${id}`, type: "message", role: "assistant", model: "stub", usage };
}

const responses: Dialect = {
  path: /\/responses$/,
  whole(id, answer) {
    return { ...ofResponses(id), status: "completed", output: [outputItem(id, answer)] };
  },
  stream(id, answer) {
    const item = outputItem(id, answer);
    const response = { ...ofResponses(id), status: "completed", output: [item] };
    const text =
      answer.tool === undefined ? [{ type: "response.output_text.delta", item_id: item.id, delta: answer.text }] : [];
    return events([
      { type: "response.created", response: { ...response, status: "in_progress", output: [] } },
      { type: "response.output_item.added", output_index: 0, item },
      ...text.map((event) => ({ ...event, output_index: 0, content_index: 0 })),
      { type: "response.output_item.done", output_index: 0, item },
      { type: "response.completed", response },
    ]);
  },
};

function ofResponses(id: string) {
  const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2 };
  return { id: `resp_${id}`, object: "response", model: "stub", usage };
}

function outputItem(id: string, answer: Answer) {
  const status = "completed";
  if (answer.tool === undefined) {
    const content = [{ type: "output_text", text: answer.text, annotations: [] }];
    return { type: "message", id: `msg_${id}`, role: "assistant", status, content };
  }
  const space = "space" in answer ? { namespace: answer.space } : {};
  const call = { call_id: `call_${id}`, name: answer.tool, ...space, status };
  if ("text" in answer) return { type: "custom_tool_call", id: `ctc_${id}`, ...call, input: answer.text };
  return { type: "function_call", id: `fc_${id}`, ...call, arguments: JSON.stringify(inputOf(answer)) };
}

const chat: Dialect = {
  path: /\/chat\/completions$/,
  whole(id, answer) {
    const [message, finish_reason] = chatMessage(id, answer);
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
    const choices = [{ index: 0, message, finish_reason }];
    return { id: `chatcmpl-${id}`, object: "chat.completion", created: 1, model: "stub", choices, usage };
  },
  stream(id, answer) {
    const [delta, finish_reason] = chatMessage(id, answer);
    const chunk = { id: `chatcmpl-${id}`, object: "chat.completion.chunk", created: 1, model: "stub" };
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
    const stream = events([
      { ...chunk, choices: [{ index: 0, delta, finish_reason: null }] },
      { ...chunk, choices: [{ index: 0, delta: {}, finish_reason }], usage },
    ]);
    return `${stream}data: [DONE]\n\n`;
  },
};

function chatMessage(id: string, answer: Answer) {
  if (answer.tool === undefined) return [{ role: "assistant", content: answer.text }, "stop"] as const;
  const call = { name: answer.tool, arguments: JSON.stringify(inputOf(answer)) };
  const tool_calls = [{ index: 0, id: `call_${id}`, type: "function", function: call }];
  return [{ role: "assistant", content: null, tool_calls }, "tool_calls"] as const;
}

const gemini: Dialect = {
  path: /:(stream)?[gG]enerateContent$/,
  whole(id, answer) {
    const part =
      answer.tool === undefined
        ? { text: answer.text }
        : { functionCall: { id: `fc_${id}`, name: answer.tool, args: inputOf(answer) } };
    const candidates = [{ index: 0, content: { role: "model", parts: [part] }, finishReason: "STOP" }];
    const usageMetadata = { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 };
    return { candidates, usageMetadata, modelVersion: "stub", responseId: id };
  },
  stream(id, answer) {
    return events([gemini.whole(id, answer)]);
  },
};

function inputOf(answer: Answer): unknown {
  return "input" in answer ? answer.input : { input: answer.text };
}

const DIALECTS = [anthropic, responses, chat, gemini];

function dialectOf(path: string): Dialect | undefined {
  return DIALECTS.find((dialect) => dialect.path.test(path));
}

/** Each event is named by its type, where it has one. */
function events(all: readonly unknown[]): string {
  const named = (event: unknown) =>
    typeof event === "object" && event !== null && "type" in event ? `event: ${event.type}\n` : "";
  return all.map((event) => `${named(event)}data: ${JSON.stringify(event)}\n\n`).join("");
}

function json(value: unknown): Reply {
  return { type: "application/json", content: JSON.stringify(value) };
}

/** For a request that wants JSON of some shape, the least that has it; else a word. */
function wantedBy({ generationConfig }: Body): string {
  const config = fieldsOf(generationConfig);
  const schema = config.responseJsonSchema ?? config.responseSchema;
  return schema === undefined ? "ok" : JSON.stringify(leastOf(schema));
}

function leastOf(schema: unknown): unknown {
  const { type, properties, enum: choices } = fieldsOf(schema);
  if (Array.isArray(choices)) return choices[0];
  switch (String(type).toLowerCase()) {
    case "object":
      return Object.fromEntries(Object.entries(fieldsOf(properties)).map(([name, of]) => [name, leastOf(of)]));
    case "array":
      return [];
    case "number":
    case "integer":
      return 0;
    case "boolean":
      return false;
    default:
      return "ok";
  }
}

function fieldsOf(value: unknown): Body {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
