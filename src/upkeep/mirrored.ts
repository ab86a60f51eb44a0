import fs from "node:fs";
import path from "node:path";
import { APART, REFUSED } from "../project/upstream.ts";
import type { DoctorTarget, Finding } from "./finding.ts";

/** What the mirror of this relay could not pass on to its server. */
export function notPassedOn({ dir }: DoctorTarget): Finding[] {
  const marks = (folder: string) => {
    const place = path.join(dir, folder);
    return fs.existsSync(place) ? fs.readdirSync(place).filter((name) => !name.startsWith(".")) : [];
  };
  const refused = marks(REFUSED);
  return [
    ...marks(APART).map((session) => ({
      what: `nothing of the session ${session} is passed on: the server has another of that id`,
      next: "give it another --session",
    })),
    ...(refused.length === 0
      ? []
      : [{ what: `${refused.length} messages are not passed on yet`, next: "agent-relay mirror --status" }]),
  ];
}
