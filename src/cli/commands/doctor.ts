import path from "node:path";
import { formatDuration } from "../../duration.ts";
import { errno, RelayError } from "../../errors.ts";
import { MAX_CLOCK_LEAD_MS } from "../../id.ts";
import { findRelay, projectOf, trustedDirs } from "../../open/open.ts";
import { bearsOurMark } from "../../project/trust.ts";
import { readRecord, Unusable } from "../../store/file/files.ts";
import { findRoot } from "../../store/file/root.ts";
import { cleanLine } from "../../text.ts";
import { DOCTOR_CHECKS } from "../../upkeep/doctor.ts";
import type { DoctorCheck, DoctorTarget, Finding } from "../../upkeep/finding.ts";
import { type Cli, refuseStrangers } from "../cli.ts";
import { defineVerb } from "../command.ts";

const UNWELL = 1;
const MAX_FINDINGS = 5; // findings of one check that are told one by one

export const verb = defineVerb({
  name: "doctor",
  about: "Look whether anything is wrong with the relay. Changes nothing, unless --fix. Exit code 1: something is.",
  flags: { "--fix": "mend what is safe to mend, and say what was done" },
  example: "agent-relay doctor --fix",
  async run(cli, flags) {
    if (cli.server !== undefined) return doctorOf(cli, cli.server);
    const { dir } = projectOf(cli.openOptions()); // not opened as for other verbs: that would set bad records aside
    findRoot(dir, trustedDirs(cli.openOptions()));
    const { found } = await cli.openStrange();
    const isModel = found.identity.agent !== "human";
    if (isModel && isStrange(dir)) await refuseStrangers(found); // its findings name what is in it
    const place = { dir, cwd: cli.io.cwd, now: cli.now(), env: cli.io.env };
    const results = DOCTOR_CHECKS.map(({ name, look }) => ({ name, findings: looked(look, place) }));
    const done: string[] = [];
    for (const one of flags.fix ? results.flatMap(({ findings }) => findings) : []) done.push(...(await mend(one)));
    const left = flags.fix
      ? DOCTOR_CHECKS.flatMap(({ look }) => looked(look, place))
      : results.flatMap(({ findings }) => findings);
    const isWell = left.every((finding) => finding.isHarmless);
    const text = results.map(({ name, findings }) => describeCheck(name, findings)).join("");
    const report = results.map(({ name, findings }) => ({
      name,
      findings: findings.map(({ what, next, fix }) => ({ what, next, fixable: fix !== undefined })),
    }));
    await cli.say(
      { well: isWell, checks: report, done },
      `${text}${done.map((line) => `${cleanLine(line)}\n`).join("")}`,
    );
    const isFixable = left.some((finding) => finding.fix);
    if (!isWell) cli.io.err(isFixable ? "Try: agent-relay doctor --fix\n" : "A person has to look at what is left\n");
    return isWell ? 0 : UNWELL;
  },
});

/** Whether a relay bears no mark of ours, or none that can be read now. */
function isStrange(dir: string): boolean {
  try {
    return !bearsOurMark(readRecord(path.join(dir, "relay.json")), dir);
  } catch (error) {
    if (error instanceof Unusable) return false; // to tell of that is what doctor is for
    throw error;
  }
}

/** What a check found; each stands alone: one that cannot look says so, and the others look all the same. */
function looked(look: DoctorCheck["look"], place: DoctorTarget): Finding[] {
  try {
    return look(place);
  } catch (error) {
    const code = errno(error);
    if (code === undefined && !(error instanceof RelayError)) throw error;
    const what = error instanceof Error ? error.message : String(error);
    return [
      { what: `cannot look at all of it: ${what}`, next: "give yourself the right to read it, then run this again" },
    ];
  }
}

/** Checks whether a server's relay can be used from here. Its content is for the doctor on its own machine. */
async function doctorOf(cli: Cli, server: string): Promise<number> {
  const { store, now } = await findRelay(cli.openOptions());
  const who = (await store.served?.owner?.()) ?? "who runs it";
  const ahead = now() - cli.now();
  const isFar = Math.abs(ahead) > MAX_CLOCK_LEAD_MS;
  const clock = isFar ? `its clock is ${formatDuration(Math.abs(ahead))} ${ahead > 0 ? "ahead" : "behind"}` : "ok";
  const lines = [
    `server: ${server} lets you in as ${who}`,
    `clock: ${clock}`,
    "relay: agent-relay doctor, where it is",
  ];
  await cli.say({ well: !isFar, server, owner: who, clock_ahead: ahead }, `${lines.join("\n")}\n`);
  return isFar ? UNWELL : 0;
}

/** Mends one finding, and says in words what was done. A failure does not keep the others from being mended. */
async function mend({ what, fix }: Finding): Promise<string[]> {
  try {
    return fix ? [await fix()] : [];
  } catch (error) {
    if (errno(error) === undefined) throw error;
    return [`could not mend this (${errno(error)}): ${what}`];
  }
}

function describeCheck(name: string, findings: readonly Finding[]): string {
  if (findings.length === 0) return `${name}: ok\n`;
  const told = findings
    .slice(0, MAX_FINDINGS)
    .map(({ what, next }) => `  ${cleanLine(what)}${next === undefined ? "" : `: ${cleanLine(next)}`}\n`);
  const more = findings.length > MAX_FINDINGS ? `  and ${findings.length - MAX_FINDINGS} more\n` : "";
  return `${name}: ${findings.length === 1 ? "1 finding" : `${findings.length} findings`}\n${told.join("")}${more}`;
}
