import { iso, LAST_DATE } from "../time.ts";
import { folderOf, type Value } from "./store.ts";

/**
 * The format of a relay's records on disk, as its `relay.json` says. Format 1 had times of ours in Unix ms, or seconds in a
 * registration, and lengths without their unit. A relay of a newer format is refused whole.
 */
export const FORMAT = 2;

const TIMES =
  /^(?:claimed_at|expires_at|offered_until|since|created_at|updated_at|ended_at|decided_at|added_at|removed_at|started_at|last_at)$/;
const RENAMED: Readonly<Record<string, string>> = { ttl: "ttl_ms", last_took: "last_took_ms" };
const AS_THEY_WERE = ["messages", "sends"]; // no time of ours there has another form

/** A record of format 1 as it is in format 2: the same object if it is that already. */
export function inFormat2(key: string, record: Value): Value {
  const folder = folderOf(key);
  if (AS_THEY_WERE.includes(folder)) return record;
  if (folder === "agents" || folder === "archive/agents") return registrationInFormat2(record);
  return within(record) as Value;
}

/** What an agent said of itself is its own, whatever its fields are called. */
function registrationInFormat2(record: Value): Value {
  const { status_at, ended_at, hears } = record;
  const isOld = [status_at, ended_at].some(isTime) || Object.values(Object(hears)).some(isTime);
  if (!isOld) return record;
  return {
    ...record,
    ...(isTime(status_at) && { status_at: iso(status_at) }),
    ...(isTime(ended_at) && { ended_at: iso(ended_at * 1000) }),
    ...(hears !== undefined && {
      hears: Object.fromEntries(
        Object.entries(Object(hears)).map(([name, at]) => [name, isTime(at) ? iso(at * 1000) : at]),
      ),
    }),
  };
}

function within(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => within(item));
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  if (typeof value !== "object" || value === null) return value;
  let isSame = true;
  const fields = Object.entries(value).map(([name, old]) => {
    const isMoment = TIMES.test(name) || (name === "at" && ("session_id" in value || "pid" in value)); // of a note, of a teller
    const next = isMoment && isTime(old) ? iso(old) : within(old);
    const called = typeof old === "number" ? (RENAMED[name] ?? name) : name; // a machine may be called so
    if (next !== old || called !== name) isSame = false;
    return [called, next] as const;
  });
  return isSame ? value : Object.fromEntries(fields);
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= LAST_DATE;
}
