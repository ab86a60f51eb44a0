import fs from "node:fs";
import { isNetworkDisk } from "../store/file/root.ts";
import type { DoctorTarget, Finding } from "./finding.ts";

/** Whether the disk keeps what is written there, and has room for it. */
export function disk({ dir }: DoctorTarget): Finding[] {
  const found: Finding[] = [];
  if (isNetworkDisk(dir))
    found.push({
      what: `${dir} is on a network disk, where locks are not safe`,
      next: "use a local disk: --dir, or AGENT_RELAY_DIR",
    });
  const lacks = fs.existsSync(dir) ? lackOf(fs.statfsSync(dir)) : undefined;
  if (lacks !== undefined)
    found.push({
      what: `${dir} is on a disk without ${lacks} left: what is there can be read, and nothing can be sent`,
      next: "free some space or inodes",
    });
  return found;
}

/** What a disk has none left of. One that counts no inodes says that it has none at all. */
function lackOf({ bavail, files, ffree }: fs.StatsFs): "a byte" | "an inode" | undefined {
  if (bavail === 0) return "a byte";
  return files > 0 && ffree === 0 ? "an inode" : undefined;
}
