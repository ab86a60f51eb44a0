import * as z from "zod";
import { formatDuration } from "../duration.ts";
import { RelayError } from "../errors.ts";
import { shortId } from "../id.ts";
import type { Message } from "../messages/message.ts";
import type { InboxItem } from "../messages/message-state.ts";
import { sendAnywhere } from "../messages/send-anywhere.ts";
import { frame } from "../render/frame.ts";
import { itemLines, messageLines, newNotes } from "../render/messages.ts";
import { recipientWords } from "../render/recipients.ts";
import { quoted } from "../shell/quote.ts";
import { beginning, cleanLine, countWord } from "../text.ts";
import { type Tool, type ToolAnswer, type ToolCall, tool, withProgress } from "./tool.ts";
import { asManyAsFit } from "./truncate.ts";

const MAX_SHOWN = 50;

const send = tool({
  name: "send",
  title: "Send a message",
  about:
    "Tell other agents something, or ask them. Without `to` it goes to everyone here. It is stored before this returns, and they hear of it also while they work.",
  hints: {},
  input: z.strictObject({
    text: z.string(),
    to: z.array(z.string()).optional().describe("names or sessions, from `agents`"),
    kind: z.enum(["info", "question"]).optional().describe("a question waits for an answer"),
    reply_to: z.string().optional().describe("the id of the message that this answers"),
  }),
  async run({ text, to, kind, reply_to }, { relay, now, elsewhere }) {
    if (to?.length === 0)
      throw new RelayError("usage", "Cannot send to nobody: name someone in `to`, or leave it out to tell everyone");
    const options = { report: true, kind, to };
    const { sent, dir } =
      reply_to === undefined
        ? await sendAnywhere(relay, text, options, elsewhere)
        : { sent: await relay.reply(reply_to, text, options), dir: undefined };
    const where =
      dir === undefined ? "" : ` in another project; answers come there: agent-relay inbox --dir ${quoted(dir)}`;
    const ids = sent.messages.map(({ id }) => id);
    const people = sent.recipients.map((one) => recipientWords(one, now())).join("; ");
    return {
      text: `${ids.map(shortId).join(" ")} sent to ${people || "all; nobody else is here yet, who comes within a day will hear it"}${where}\n`,
      data: { ids, recipients: sent.recipients, ...(dir !== undefined && { relay: dir }) },
    };
  },
});

const inbox = tool({
  name: "inbox",
  title: "Read your messages",
  about: "Show what waits for you, and mark it as read: new messages, and those that still wait for your answer.",
  hints: {},
  input: z.strictObject({
    limit: z.int().min(1).max(MAX_SHOWN).optional(),
    peek: z.boolean().optional().describe("mark nothing"),
  }),
  run({ limit = 10, peek }, call) {
    const { relay, written, signal } = call;
    return new Promise((resolve, reject) => {
      written.catch(reject); // a cancelled call marks nothing
      relay
        .inbox({
          limit,
          peek,
          // The session's other readers wait until the answer is written: messages that nobody took are shown again.
          async show(items, { more, open_more, broken = [] }) {
            signal.throwIfAborted();
            const { answer, shown } = await rendered(items, call, more + open_more);
            resolve(withBroken(answer, broken));
            await written;
            return shown;
          },
        })
        .then(({ items, broken = [] }) => {
          const none = { text: "No unread messages\n", data: { messages: [], more: 0 } };
          if (items.length === 0) resolve(withBroken(none, broken));
        })
        .catch(reject); // without effect on an answer that is written already: its messages stay unread
    });
  },
});

/** The answer, with what is said of messages that are broken and were set aside. */
function withBroken({ text, data }: ToolAnswer, broken: readonly string[]): ToolAnswer {
  const lines = broken.map(
    (id) => `A message to you cannot be read, ${cleanLine(id)}; who sent it is told, if that can still be seen\n`,
  );
  if (broken.length === 0) return { text, data };
  const isNone = Array.isArray(data.messages) && data.messages.length === 0;
  return { text: `${isNone ? "" : text}${lines.join("")}`, data: { ...data, broken } };
}

async function rendered(items: readonly InboxItem[], { relay, me, names, now }: ToolCall, left: number) {
  const called = await names();
  const held = items.some(({ message }) => message.claims !== undefined) ? await relay.claims.list() : [];
  const lines = asManyAsFit(
    items.map((item) => itemLines(item, me, called, now(), held)),
    cut,
  );
  const shown = items.slice(0, lines.length);
  const more = left + items.length - lines.length;
  const answer: ToolAnswer = {
    text: `${frame(lines) || "No unread messages\n"}${more > 0 ? `${countWord(more)} more: inbox again\n` : ""}`,
    data: { messages: shown, more },
  };
  return { answer, shown };
}

function cut(line: string, most: number): string {
  const id = line.slice(0, line.indexOf(" "));
  return `${beginning(line, most)}… (cut; the whole: resource relay://message/${id}, or agent-relay read ${id})\n`;
}

const reply = tool({
  name: "reply",
  title: "Answer a message",
  about:
    "Answer a message to its sender; without a text, say that it was dealt with. Either settles what it asked for.",
  hints: {},
  input: z.strictObject({ id: z.string().describe("of the message"), text: z.string().optional() }),
  async run({ id, text }, { relay }) {
    if (text === undefined) {
      await relay.messages.ack(id);
      return { text: `Said that ${cleanLine(shortId(id))} was dealt with\n`, data: { acked: id } };
    }
    const { messages } = await relay.reply(id, text);
    const ids = messages.map((message) => message.id);
    return { text: `${ids.map(shortId).join(" ")} answers ${cleanLine(shortId(id))}\n`, data: { ids } };
  },
});

const MAX_WAIT_SECONDS = 600; // some hosts give up a call after 10 minutes

const wait = tool({
  name: "wait",
  title: "Wait for others",
  about:
    "Wait, without using turns, until a message comes, others release paths, leave, answer, or complete tasks: for any of what is given. Ends after `timeout` seconds at the latest.",
  hints: { reads: true },
  input: z.strictObject({
    message: z.boolean().optional(),
    from: z.string().optional().describe("a message of this agent"),
    released: z.array(z.string()).optional().describe("paths"),
    ended: z.array(z.string()).optional().describe("agents"),
    reply_to: z.array(z.string()).optional().describe("messages of yours"),
    task_done: z.array(z.string()).optional(),
    timeout: z.int().min(1).max(MAX_WAIT_SECONDS).optional().describe("seconds, default 60"),
  }),
  async run({ timeout = 60, message, from, released, ended, reply_to, task_done }, call) {
    const { relay, signal } = call;
    const wished = { released, ended, replyTo: reply_to, taskDone: task_done, from, message };
    const given = Object.values(wished).some((each) => each !== undefined);
    const begun = call.now();
    try {
      const isForAny = !given || (message === undefined && from !== undefined);
      const what = { ...wished, message: isForAny ? true : message };
      const waiting = () => relay.wait(what, { any: true, timeoutMs: timeout * 1000, signal });
      const { outcome } = await withProgress(call, timeout, waiting);
      return {
        text: frame(
          outcome.map((line) => `${cleanLine(line)}\n`),
          "what came true",
        ),
        data: { outcome },
      };
    } catch (error) {
      if (!(error instanceof RelayError) || error.code !== "timed_out") throw error;
      const waited = formatDuration(call.now() - begun);
      return {
        text: `Nothing of it within ${waited}. Go on with other work, or wait again\n`,
        data: { timed_out: true },
      };
    }
  },
});

const history = tool({
  name: "history",
  title: "Look back at messages",
  about: "The newest messages that you sent or received, read or not; marks nothing.",
  hints: { reads: true, repeats: true },
  input: z.strictObject({
    with: z.string().optional().describe("only to or from this agent"),
    limit: z.int().min(1).max(200).optional(),
  }),
  async run({ with: who, limit = 20 }, { relay, me, names, now }) {
    const messages = (await relay.messages.history({ limit, with: who && (await relay.agents.resolve(who)) })).messages;
    const called = await names();
    const line = (message: Message) => messageLines(message, me, called, now(), newNotes(message, me, now()));
    const lines = asManyAsFit(messages.map(line).reverse(), cut);
    const older = messages.length - lines.length;
    const note =
      older === 0
        ? ""
        : `${older} older are too long to show with these: resource relay://thread/{id} has a whole conversation\n`;
    return { text: `${frame(lines.reverse())}${note}` || "No messages\n", data: { messages } };
  },
});

/**
 * Why each tool is there: `send` alone sends, `inbox` reads, `reply` settles an obligation, `wait` waits without
 * polling, `history` shows what was read before.
 */
export const MESSAGE_TOOLS: readonly Tool[] = [send, inbox, reply, wait, history];
