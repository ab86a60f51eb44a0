import { ProtocolError } from "@modelcontextprotocol/server";
import { errorData, RelayError } from "../errors.ts";
import { HOSTS } from "../hosts/hosts.ts";
import { DATA_NOTICE, frame, frameData } from "../render/frame.ts";
import { clean, countWord, jsonText } from "../text.ts";
import type { ToolAnswer } from "./tool.ts";

/** The key in `_meta` of a result's data for programs, whatever the host shows to its model. */
export const DATA = "agent-relay/data";

type Data = Readonly<Record<string, unknown>>;

/** A tool's answer as a result for the host of this agent, with the number of unread messages. */
export function success(agent: string, { text, data }: ToolAnswer, unread: number) {
  return result(agent, text, data, unread);
}

/** An error as a result. Its message may say what others hold, and why, so it stands in the frame too. */
export function failure(agent: string, failed: RelayError, unread: number) {
  const { code, message, next } = failed;
  const text = `${frame([`${clean(message)}\n`], `${code}: what went wrong,`)}${next === undefined ? "" : `Try: ${clean(next)}\n`}`;
  return { ...result(agent, text, { error: errorData(failed) }, unread), isError: true };
}

/** Throws a RelayError as an error of the protocol, for requests without a tool result: to read or watch a resource. */
export async function orProtocolError<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof RelayError)) throw error;
    const { code, message, next } = error;
    const isAskers = code === "usage" || code === "not_found";
    const data = { code, ...(next !== undefined && { next: clean(next) }) };
    throw new ProtocolError(isAskers ? -32602 : -32603, clean(message), data); // invalid params, internal error
  }
}

function result(agent: string, said: string, given: Data, unread: number) {
  const data = cleaned({ ...given, ...(unread > 0 && { unread }) });
  const text = unread === 0 ? said : `${said}${countWord(unread)} unread: call inbox\n`;
  const showsStructure = HOSTS.find((host) => host.agent === agent)?.showsStructure;
  return {
    content: [{ type: "text" as const, text }],
    ...(!showsStructure && { structuredContent: frameData(data) }),
    _meta: { [DATA]: { notice: DATA_NOTICE, ...data } },
  };
}

function cleaned(value: Data): Data {
  return JSON.parse(jsonText(value), (_, each) => (typeof each === "string" ? clean(each) : withCleanKeys(each)));
}

function withCleanKeys(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [clean(key), each]));
}
