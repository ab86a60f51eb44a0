import fs from "node:fs";
import path from "node:path";
import { errno } from "../../errors.ts";
import { iso } from "../../time.ts";
import { isKey } from "../key.ts";
import type { PutBack, SetAside } from "../store.ts";
import { linkOnce, readRecord, Unusable } from "./files.ts";

const MAX_HEAD_BYTES = 4096; // of a broken record: the beginning tells whose it is

/** The records that were set aside in a relay's folder, the oldest first. */
export function recordsSetAside(root: string): SetAside[] {
  return namesIn(`${root}/quarantine`)
    .flatMap((file) => {
      const name = file.slice(0, -".json".length);
      const place = `${root}/quarantine/${file}`;
      const stat = fs.lstatSync(place, { throwIfNoEntry: false });
      const key = keyOf(name);
      if (!stat || key === undefined) return [];
      const said = textOf(`${root}/quarantine/${name}.reason`).trim();
      const reason = said.startsWith(`${key}: `) ? said.slice(key.length + 2) : said || "nobody wrote down why";
      return [{ name, key, reason, at: iso(stat.ctimeMs), file: place, head: stat.isFile() ? headOf(place) : "" }];
    })
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

/** Puts a record back where it was, if it can be read now and nothing has taken its place. */
export function putBack(root: string, name: string): PutBack {
  const key = keyOf(path.basename(name));
  const place = `${root}/quarantine/${path.basename(name)}.json`;
  if (key === undefined || !fs.existsSync(place)) return "gone";
  try {
    readRecord(place);
  } catch (error) {
    if (error instanceof Unusable) return "broken";
    throw error;
  }
  const target = `${root}/${key}.json`;
  const linked = linkOnce(place, target);
  if (linked === "exists" || (linked === "no links" && fs.existsSync(target))) return "taken";
  if (linked === "no links") fs.renameSync(place, target);
  for (const file of [place, place.replace(/\.json$/, ".reason")]) fs.rmSync(file, { force: true });
  return "back";
}

/** The key of a record by the name under which it was set aside: `messages+msg-1.<nonce>`. */
function keyOf(name: string): string | undefined {
  const key = name.slice(0, name.lastIndexOf(".")).replaceAll("+", "/");
  return isKey(key) ? key : undefined;
}

function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder).filter((name) => name.endsWith(".json"));
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errno(error) ?? "")) return [];
    throw error;
  }
}

function textOf(file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    if (errno(error) === "ENOENT") return "";
    throw error;
  }
}

function headOf(file: string): string {
  const fd = fs.openSync(file, "r");
  try {
    const bytes = Buffer.alloc(MAX_HEAD_BYTES);
    return bytes.toString("utf8", 0, fs.readSync(fd, bytes, 0, MAX_HEAD_BYTES, 0));
  } finally {
    fs.closeSync(fd);
  }
}
