import { RelayError } from "../errors.ts";

export function wholeNumber(text: string, flag: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new RelayError("usage", `Cannot use ${flag} ${JSON.stringify(text)}: give a whole number from 1`);
  return Number(text);
}
