import { type Infer, integer, object, text } from "../schema.ts";

/** A decision as it is on disk, in `--json` and here. Decisions are never dropped. */
export const Decision = object({
  id: text(),
  session_id: text(),
  agent_id: text(),
  content: text(),
  /** Unix ms. */
  decided_at: integer(),
});
export type Decision = Infer<typeof Decision>;
