import colors from "picocolors";
import type { Cli } from "./cli.ts";

/** How one line of text is shown. */
export type Paint = (text: string) => string;

/** Colours by what they mean. A colour is never the only sign: the word is there too. */
export interface Palette {
  readonly heading: Paint;
  /** Here, and at work. */
  readonly good: Paint;
  /** It may soon be over, or wants somebody. */
  readonly warning: Paint;
  /** Gone, or of no matter now. */
  readonly faint: Paint;
}

/** Those for who reads it: plain for a model, a pipe, a dumb terminal, and with NO_COLOR; FORCE_COLOR beats the last three. */
export function paletteOf(cli: Cli): Palette {
  const { env, columns } = cli.io;
  const isForced = (env.FORCE_COLOR ?? "0") !== "0";
  const isWanted = isForced || (columns !== undefined && env.TERM !== "dumb" && !env.NO_COLOR);
  const { bold, green, yellow, dim } = colors.createColors(isWanted && cli.isReadByPerson);
  return { heading: bold, good: green, warning: yellow, faint: dim };
}

/** A cell that says how an agent is. */
export function presencePaint({ good, warning, faint }: Palette, word: string): Paint {
  if (word.startsWith("active")) return good;
  return word.startsWith("gone") ? faint : warning;
}
