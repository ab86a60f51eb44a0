import { eventOf, isLineCommand, lineOf } from "./command-line.ts";

export type SettingsTree = Readonly<Record<string, unknown>>;

/** Our commands in a value, at any depth, as lines for a shell. */
export function commandsIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  const line = lineOf(value);
  const own = line !== undefined && eventOf(line) !== undefined ? [line] : [];
  return [...new Set([...own, ...Object.values(value).flatMap(commandsIn)])];
}

export function isOurs(value: unknown): boolean {
  return commandsIn(value).length > 0;
}

export function isOurLine(value: unknown): boolean {
  return isLineCommand(fieldsOf(value).command);
}

export function fieldsOf(value: unknown): SettingsTree {
  return isObject(value) ? { ...value } : {};
}

export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
