import { applyEdits, type Edit, modify, type ParseError, parse, printParseErrorCode } from "jsonc-parser";
import { RelayError } from "../errors.ts";

/** A value in a settings file: where it stands, and what it is. */
export interface Setting {
  readonly path: readonly string[];
  readonly value: unknown;
  /** It is one more element of the list that stands there. */
  readonly isElement?: boolean;
}

const OPTIONS = { formattingOptions: { insertSpaces: true, tabSize: 2, eol: "\n" } };

/** What a settings file says; comments and commas too many are read over. Throws `corrupt` for what is no JSON. */
export function settingsIn(text: string, file: string): Readonly<Record<string, unknown>> {
  const errors: ParseError[] = [];
  const value: unknown = text.trim() === "" ? {} : parse(text, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (!first && typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  const why = first ? `${printParseErrorCode(first.error)} at byte ${first.offset}` : "it is no object";
  throw new RelayError("corrupt", `Cannot set up "${file}": it is not JSON (${why}), and is left as it is`, {
    next: "mend it, then run setup again",
  });
}

/** The text with these settings in it; all else, comments and order too, stays as it is. */
export function withSettings(text: string, settings: readonly Setting[]): string {
  let result = text.trim() === "" ? "{}\n" : text;
  for (const { path, value, isElement } of settings) {
    const at = isElement ? [...path, -1] : [...path];
    result = apply(
      result,
      modify(result, at, value, { ...optionsFor(result), ...(isElement && { isArrayInsertion: true }) }),
    );
  }
  return result;
}

/** The text without what stands at a path. */
export function withoutSetting(text: string, path: readonly (string | number)[]): string {
  return apply(text, modify(text, [...path], undefined, optionsFor(text)));
}

function apply(text: string, edits: Edit[]): string {
  return applyEdits(text, edits);
}

/** Indented as the file is. */
function optionsFor(text: string): typeof OPTIONS {
  const indent = /\n([ \t]+)\S/.exec(text)?.[1] ?? "  ";
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  return {
    formattingOptions: {
      insertSpaces: !indent.startsWith("\t"),
      tabSize: indent.startsWith("\t") ? 1 : indent.length,
      eol,
    },
  };
}
