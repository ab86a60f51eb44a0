import { eventOf, isLineCommand } from "./command-line.ts";

export type SettingsTree = Readonly<Record<string, unknown>>;

/** Our command lines in a value, at any depth. */
export function commandsIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  const found = Object.entries(value).flatMap(([name, inner]) =>
    name === "command" && typeof inner === "string" && eventOf(inner) !== undefined ? [inner] : commandsIn(inner),
  );
  return [...new Set(found)];
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
