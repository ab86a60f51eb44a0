import { RelayError } from "../errors.ts";
import { jsonText } from "../text.ts";

export function wholeNumber(text: string, flag: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new RelayError("usage", `Cannot use ${flag} ${jsonText(text)}: give a whole number from 1`);
  return Number(text);
}
