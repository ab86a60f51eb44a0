import { jsonText } from "../text.ts";
import type { Payload } from "./hook.ts";

/** A field's text, from the first of these names that has one. */
export function textOf(payload: Payload, ...names: readonly string[]): string | undefined {
  return names.map((name) => payload[name]).find((value): value is string => typeof value === "string" && value !== "");
}

export function flagOf(payload: Payload, name: string): boolean | undefined {
  const { [name]: value } = payload;
  return typeof value === "boolean" ? value : undefined;
}

export function jsonLine(value: unknown): string {
  return `${jsonText(value)}\n`;
}
