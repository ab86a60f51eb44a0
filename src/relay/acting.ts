import type { Context } from "../context.ts";
import type { Lifetime } from "../lifetime.ts";

/** How the parts of a Relay come by who acts. Each throws `usage` once the Relay is closed. */
export interface Acting {
  /** The acting session's Context. Throws `usage` if the Relay has no session. */
  mine(): Context;
  /** The same; for a Relay without a session one that is called `nobody`, or so: for what anybody may do. */
  anyone(called?: string): Context;
  /** `mine`, after renewing the session's sign of life. */
  seen(): Promise<Context>;
  /** What runs until the Relay is closed. */
  readonly life: Lifetime;
}
