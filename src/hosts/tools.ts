import path from "node:path";
import { patchedFiles, plainWrites } from "../shell/writes.ts";
import type { Payload, ToolUse } from "./hook.ts";

// The editing tools of every host, by their names in lower case. One of the fields in PATHS names the file they write.
const EDITORS = new Set(
  `write edit multiedit notebookedit write_file replace edit_file create str_replace str_replace_editor strreplace
   editnotebook edit_notebook insert delete delete_file apply_diff search_replace`.split(/\s+/),
);
const PATHS = ["file_path", "filePath", "notebook_path", "path", "target_file", "target_notebook", "absolute_path"];
const SHELLS = new Set(["bash", "shell", "run_shell_command", "exec_command", "local_shell", "run_terminal_cmd"]);
const FOLDERS = ["dir_path", "directory", "workdir", "working_directory"]; // a shell's folder, if not the host's
const PATCHES = ["command", "input", "patch", "patchText", "patch_text"];

/** The files that a tool is about to write, or has written, as far as its arguments say. */
export function toolUse(name: string, input: unknown): ToolUse {
  const args = fieldsOf(input);
  const word = name.toLowerCase();
  const command = typeof args.command === "string" ? args.command : "";
  const whole = typeof input === "string" && input.startsWith("*** Begin Patch") ? input : undefined;
  const patch = word.includes("patch") ? (whole ?? PATCHES.map((field) => args[field]).find(isText)) : undefined;
  if (patch !== undefined) return { name, writes: patchedFiles(patch) };
  if (SHELLS.has(word)) {
    const folder = FOLDERS.map((field) => args[field]).find(isText) ?? "";
    const inFolder = (file: string) => (path.isAbsolute(file) ? file : path.join(folder, file));
    return { name, writes: plainWrites(command).map((write) => ({ ...write, path: inFolder(write.path) })) };
  }
  if (!EDITORS.has(word) || args.command === "view") return { name, writes: [] };
  return {
    name,
    writes: PATHS.map((field) => args[field])
      .filter(isText)
      .map((path) => ({ path })),
  };
}

/** A tool's arguments; some hosts give them as JSON. */
function fieldsOf(input: unknown): Payload {
  if (typeof input !== "string") return isObject(input) ? input : {};
  try {
    const value: unknown = JSON.parse(input);
    return isObject(value) ? value : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isObject(value: unknown): value is Payload {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
