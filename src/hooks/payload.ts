import type { Payload } from "./call.ts";

/** A field's text, from the first of these names that has one. */
export function textOf(payload: Payload, ...names: readonly string[]): string | undefined {
  return names.map((name) => payload[name]).find((value): value is string => typeof value === "string" && value !== "");
}

export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
