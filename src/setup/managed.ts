import { isServerEntry } from "../hosts/command-line.ts";
import { fieldsOf, isObject, isOurLine, isOurs, type SettingsTree } from "../hosts/ours.ts";
import type { Setting } from "../hosts/settings.ts";
import { jsonText } from "../text.ts";
import { leftAlone, settingsIn, withoutSetting } from "./jsonc.ts";

/** Whether a file's settings hold this setting with the same value; for a default, with any value. */
export function isIn(value: SettingsTree, { path, value: wanted, isElement, isDefault }: Setting): boolean {
  const found = path.reduce<unknown>((inner, key) => fieldsOf(inner)[key], value);
  if (isDefault) return found !== undefined;
  const all = isElement ? (Array.isArray(found) ? found : []) : [found];
  return all.some((one) => jsonText(one) === jsonText(wanted));
}

/** Whether a file's settings hold these settings, and no others of ours. */
export function has(value: SettingsTree, settings: readonly Setting[]): boolean {
  const wanted = settings.filter(({ value: one }) => isOurs(one) || isOurLine(one) || isServerEntry(one)).length;
  return settings.every((one) => isIn(value, one)) && oursIn(value).length === wanted;
}

/** The text without our settings. `before` is the file's text before setup, as far as that is known. */
export function withoutOurs(text: string, file: string, before: string | undefined): string {
  let result = text;
  for (;;) {
    const [first] = oursIn(settingsIn(result, file));
    if (first === undefined) return result;
    result = withoutSetting(result, first, before);
  }
}

/** Throws `corrupt` where something else stands in the way of a setting. */
export function checkRoom(value: SettingsTree, settings: readonly Setting[], file: string): void {
  for (const { path, isElement, isDefault } of settings) {
    let found: unknown = value;
    for (const [index, name] of path.entries()) {
      found = fieldsOf(found)[name];
      if (found === undefined) break;
      const where = `"${path.slice(0, index + 1).join(".")}" in it`;
      const isLast = index === path.length - 1;
      if (!isLast && !isObject(found)) throw leftAlone(file, `${where} is no object`);
      if (isLast && isElement && !Array.isArray(found)) throw leftAlone(file, `${where} is no list`);
      if (isLast && !isElement && !isDefault && !isOurs(found) && !isOurLine(found) && !isServerEntry(found))
        throw leftAlone(file, `${where} is somebody else's`);
    }
  }
}

/**
 * The paths of our server, status line and hooks, in whatever place a host has them. Of hooks, the whole group of a matcher
 * if all of it is ours.
 */
function oursIn(value: unknown, path: readonly (string | number)[] = []): (string | number)[][] {
  if (!Array.isArray(value))
    return Object.entries(fieldsOf(value)).flatMap(([name, one]) =>
      isOursAt(path.length, name, one) ? [[...path, name]] : oursIn(one, [...path, name]),
    );
  return value.flatMap((one, index) => (isOurHook(one) ? [[...path, index]] : oursIn(one, [...path, index])));
}

function isOursAt(depth: number, name: string, value: unknown): boolean {
  if (depth === 0 && name === "statusLine") return isOurLine(value);
  return name === "agent-relay" && (depth === 0 ? isOurs(value) : depth === 1 && isServerEntry(value));
}

function isOurHook(value: unknown): boolean {
  const { command, args, hooks } = fieldsOf(value);
  return isOurs({ command, args }) || (Array.isArray(hooks) && hooks.length > 0 && hooks.every(isOurHook));
}
