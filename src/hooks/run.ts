import { RelayError } from "../errors.ts";
import { hostCalling, nothing, reply } from "../hosts/calling.ts";
import type { HookCall, Payload } from "../hosts/hook.ts";
import type { Host } from "../hosts/host.ts";
import { type HookContext, respond } from "./respond.ts";

/** The outside world of a hook. */
export interface HookIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly input: () => Promise<string>;
  /** Rejects if nobody takes what is written. */
  readonly out: (text: string) => Promise<void>;
  /** The session that a call is for. The payload names one, but an agent may be registered under another. */
  readonly whose: (call: HookCall) => Promise<string>;
  /** Opens the relay that a call is about; undefined if there is none: a hook makes none. */
  readonly open: (call: HookCall, host: Host) => Promise<Omit<HookContext, "hasSteps"> | undefined>;
  /** Writes down why nothing was said. */
  readonly log: (why: string) => void;
}

/** ms; the host goes on after this, however long the relay takes. */
const MAX_RUN_MS = 1800;

/** Runs one hook. Never throws: whatever happens, the host gets an answer that it accepts, and goes on. */
export async function runHook(named: string | undefined, event: string | undefined, hookIo: HookIo): Promise<void> {
  let host: Host = hostCalling(named, {}, hookIo.env);
  let call: HookCall | undefined;
  let hasSpoken = false;
  let isLate = false;
  const work = async () => {
    const read = await readCall(named, event, hookIo);
    const told = read.call;
    [host, call] = [read.host, told];
    const place = await hookIo.open(told, host);
    if (!place) return;
    await respond({ ...place, hasSteps: host.hasSteps }, told, async (answer) => {
      if (isLate) throw new RelayError("timed_out", "Cannot say it any more: the host has gone on");
      hasSpoken = true; // even if the write fails: after half an answer a whole one is no answer
      await hookIo.out(reply(host, told, answer));
    });
  };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`it took more than ${MAX_RUN_MS} ms`), MAX_RUN_MS);
  });
  const failed = await Promise.race([
    work().then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error)),
    ),
    late,
  ]);
  clearTimeout(timer);
  isLate = true;
  if (failed !== undefined) hookIo.log(`${host.agent} ${call?.event ?? event ?? ""}: ${failed}`);
  if (!hasSpoken) await hookIo.out(nothing(host, call?.event ?? event)).catch(() => {}); // nobody listens: no loss
}

/** The calling host, and its call. Throws `usage` for a payload that is no object or names no session. */
export async function readCall(
  named: string | undefined,
  event: string | undefined,
  { input, env, whose }: Pick<HookIo, "input" | "env" | "whose">,
): Promise<{ host: Host; call: HookCall }> {
  const payload = parsed(await input());
  const host = hostCalling(named, payload, env);
  const read = host.read(payload, event);
  if (!read) throw new RelayError("usage", "Cannot tell which session this hook is for: its payload names none");
  return { host, call: { ...read, session: await whose(read) } };
}

function parsed(text: string): Payload {
  const value: unknown = JSON.parse(text.replace(/^\ufeff/, ""));
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new RelayError("usage", "Cannot read this hook's payload: it is no JSON object");
}
