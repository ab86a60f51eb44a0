import { RelayError } from "../../errors.ts";
import type { SendOptions } from "../../messages/send.ts";
import { sendAnywhere } from "../../messages/send-anywhere.ts";
import { APART } from "../../project/upstream.ts";
import type { Relay } from "../../relay.ts";
import { quoted } from "../../shell/quote.ts";
import { isSegment } from "../../store/key.ts";
import type { Cli } from "../cli.ts";
import { defineVerb } from "../command.ts";
import { bodyOf, SEND_FLAGS, type SendFlags, sendOptions, signOptions, tellSent } from "../sending.ts";

export const verb = defineVerb({
  name: "send",
  about: "Send a message to everyone, or to some. It is on disk when this returns.",
  words: { "[text...]": "the message; - reads it from stdin" },
  flags: SEND_FLAGS,
  example: 'agent-relay send --to gemini-1 --kind question "Which port?"',
  run: send,
});

async function send(
  cli: Cli,
  flags: SendFlags,
  { text: words }: { readonly text: readonly string[] },
): Promise<number> {
  const { relay, found } = await cli.openWithStore(flags.from === undefined ? {} : { session: flags.from });
  if (flags.lines) {
    if (words.length > 0 || flags.file !== undefined || flags.claim !== undefined)
      throw new RelayError("usage", "Cannot send lines of stdin and a text, a --file or a --claim: give one of them");
    const { sendLines } = await import("../send-lines.ts");
    const defaults = { ...sendOptions(flags), report: undefined, ...(await signOptions(cli, found, flags)) };
    return sendLines(cli, relay, defaults);
  }
  const isAddressed = flags.to !== undefined || flags.claim !== undefined || flags.file !== undefined;
  const meant = isAddressed ? { words } : await addressed(relay, words);
  const content = await bodyOf(cli, meant.words, flags.file);
  const options = {
    ...sendOptions({ ...flags, ...meant.to }),
    ...(await yieldOptions(relay, flags)),
    ...(await signOptions(cli, found, flags)),
  };
  const as = { session: relay.session, agent: relay.agent }; // there, too, we are who we are here
  const { sent, dir } = await sendAnywhere(relay, content, options, (words) => cli.elsewhere(words, as));
  await tellSent(cli, sent, dir);
  if (!found.store.served && (await found.store.markedAt(`${APART}/${relay.session}`)) !== undefined)
    cli.io.err(
      `note: this is not passed on: the server has another ${relay.session}; see agent-relay mirror --status\n`,
    );
  return 0;
}

interface Addressed {
  readonly to?: { readonly to: string[] };
  readonly words: readonly string[];
}

/**
 * Whom the words of a message are for, if they say so: `@name` at their beginning. Throws `usage` for a first word that
 * is an agent's name: without `--to` the message would go to everyone.
 */
async function addressed(relay: Relay, words: readonly string[]): Promise<Addressed> {
  const [first = "", ...rest] = words;
  const alone = /^@([a-z0-9][\w.-]*)[:,]?$/i.exec(first)?.[1];
  const begun = rest.length === 0 ? /^@([a-z0-9][\w.-]*)[:,]?\s+\S/i.exec(first)?.[1] : undefined;
  if (alone !== undefined && rest.length > 0) return { to: { to: [alone] }, words: rest };
  if (begun !== undefined) return { to: { to: [begun] }, words };
  if (rest.length === 0 || !(await isSomebody(relay, first))) return { words };
  const text = rest.map(quoted).join(" ");
  throw new RelayError("usage", `Cannot tell whether this is for ${first} or for everyone: say which`, {
    next: `agent-relay send --to ${quoted(first)} ${text}; for everyone: agent-relay send --to all ${quoted(words.join(" "))}`,
  });
}

async function isSomebody(relay: Relay, word: string): Promise<boolean> {
  if (["all", "human"].includes(word) || /^role:\S+$/.test(word)) return true;
  const isMeant = ({ session_id, name }: { session_id: string; name?: string }) => session_id === word || name === word;
  return (
    isSegment(word) && ((await relay.agents.list()).some(isMeant) || (await relay.agents.find(word)) !== undefined)
  );
}

/** The options of a request to yield: by default to all others who hold what `--claim` names. */
async function yieldOptions(relay: Relay, { claim, to, kind }: SendFlags): Promise<SendOptions> {
  if (claim === undefined) return {};
  const { claims } = await relay.claims.check(claim, { resources: claim.filter(isSegment) });
  const held = claims.filter((one) => one.session_id !== relay.session);
  if (held.length === 0)
    throw new RelayError("not_found", `Cannot ask anyone for "${claim.join(" ")}": nobody else holds it`, {
      next: `agent-relay claim ${claim.map(quoted).join(" ")}`,
    });
  const holders = [...new Set(held.map((one) => one.session_id))];
  return { to: to ?? holders, kind: kind ?? "request-yield", claims: held.map((one) => one.id) };
}
