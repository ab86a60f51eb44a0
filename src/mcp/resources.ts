import { briefing } from "../render/briefing.ts";
import { frame } from "../render/frame.ts";
import { itemLines, messageLines } from "../render/messages.ts";
import type { ToolCall } from "./tool.ts";

/** Something that a host may show its person, or put before its model, without a tool call. Reading marks nothing. */
export interface Resource {
  readonly name: string;
  /** Its address; `{id}` stands for which one. */
  readonly uri: string;
  readonly title: string;
  readonly about: string;
  read(call: Pick<ToolCall, "relay" | "me" | "names" | "now">, id: string): Promise<string>;
}

const MAX_SHOWN = 50;

export const RESOURCES: readonly Resource[] = [
  {
    name: "inbox",
    uri: "relay://inbox",
    title: "Your inbox",
    about: "What waits for you, unread or unanswered. The tool of that name marks it as read; this does not.",
    async read({ relay, me, names, now }) {
      const { items } = await relay.inbox({ peek: true, limit: MAX_SHOWN });
      const called = await names();
      return frame(items.map((item) => itemLines(item, me, called, now(), []))) || "No unread messages\n";
    },
  },
  {
    name: "status",
    uri: "relay://status",
    title: "The project",
    about: "Who is here and what they do, what is claimed, and what is to be done.",
    async read({ relay, me, now }) {
      return (
        frame(briefing(await relay.activity.snapshot(), me, now()), "what agents say") || "Nobody else is here yet\n"
      );
    },
  },
  {
    name: "message",
    uri: "relay://message/{id}",
    title: "One message",
    about: "A message whole, by its id.",
    async read({ relay, me, names, now }, id) {
      return frame([messageLines(await relay.messages.get(id), me, await names(), now())]);
    },
  },
  {
    name: "thread",
    uri: "relay://thread/{id}",
    title: "A conversation",
    about: "All messages of a conversation, by the id of any of them.",
    async read({ relay, me, names, now }, id) {
      const called = await names();
      return frame((await relay.messages.thread(id)).map((message) => messageLines(message, me, called, now())));
    },
  },
];
