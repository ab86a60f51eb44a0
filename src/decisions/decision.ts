import { moment, object, type Schema, text } from "../schema.ts";

/** A decision as it is on disk, in `--json` and here. Decisions are never dropped. */
export type Decision = {
  readonly id: string;
  /** Who has decided. */
  readonly session_id: string;
  /** Which tool that session is. */
  readonly agent_id: string;
  readonly content: string;
  /** ISO 8601. */
  readonly decided_at: string;
};

/** @internal */
export const Decision: Schema<Decision> = object({
  id: text(),
  session_id: text(),
  agent_id: text(),
  content: text(),
  decided_at: moment(),
});
