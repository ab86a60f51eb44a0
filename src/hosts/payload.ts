import { jsonText } from "../text.ts";
import type { Payload } from "./hook.ts";

/** A field's text, from the first of these names that has one. */
export function textOf(payload: Payload, ...names: readonly string[]): string | undefined {
  return names.map((name) => payload[name]).find((value): value is string => typeof value === "string" && value !== "");
}

/** Whether a payload has all of these fields, whatever they hold. */
export function has(payload: Payload, ...names: readonly string[]): boolean {
  return names.every((name) => name in payload);
}

export function flagOf(payload: Payload, name: string): boolean | undefined {
  const { [name]: value } = payload;
  return typeof value === "boolean" ? value : undefined;
}

export function jsonLine(value: unknown): string {
  return `${jsonText(value)}\n`;
}
