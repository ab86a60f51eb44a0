import { RelayError } from "../errors.ts";
import type { SendOptions, Sent } from "./send.ts";

/** What sends in one project. */
interface Sender {
  send(content: string, options: SendOptions): Promise<Sent>;
}

/** Another project of this user in which somebody is. */
export interface OtherProject {
  readonly sender: Sender;
  /** Its relay's folder. */
  readonly dir: string;
}

/**
 * Sends here; where nobody here is meant, to the one other project in which all are who are named, by their whole ids or
 * names. `look` finds that project. `dir` is its relay's folder.
 */
export async function sendAnywhere(
  here: Sender,
  content: string,
  options: SendOptions,
  look: (words: readonly string[]) => Promise<OtherProject | undefined>,
): Promise<{ readonly sent: Sent; readonly dir?: string }> {
  try {
    return { sent: await here.send(content, options) };
  } catch (error) {
    if (!(error instanceof RelayError) || error.code !== "not_found" || options.to === undefined) throw error;
    const there = await look([options.to].flat());
    if (!there) throw error;
    return { sent: await there.sender.send(content, options), dir: there.dir };
  }
}
