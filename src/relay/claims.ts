import type { AppendOptions, AppendResult } from "../claims/append.ts";
import type { Claim } from "../claims/claim.ts";
import type { ClaimCheck, ClaimOptions, RenewOptions } from "../claims/claims.ts";
import { checkOptions } from "../limits.ts";
import type { Acting } from "./acting.ts";
import { APPEND, CLAIM, RENEW } from "./options.ts";

// Each module is loaded on first use.
const load = {
  claims: () => import("../claims/claims.ts"),
  files: () => import("../claims/append.ts"),
  yields: () => import("../messages/yields.ts"),
};

/** Who holds what: `relay.claims`. To claim and to release are `relay.claim` and `relay.release`. */
export class Claims {
  readonly #acting: Acting;

  /** @internal */
  constructor(acting: Acting) {
    this.#acting = acting;
  }

  /** Every live claim, the oldest first. */
  async list(): Promise<Claim[]> {
    return (await load.claims()).claims(this.#acting.anyone());
  }

  /** Tells whether these paths could be claimed, without claiming them. */
  async check(paths: string | readonly string[], options?: ClaimOptions): Promise<ClaimCheck> {
    checkOptions("check", options, CLAIM);
    return (await load.claims()).check(await this.#acting.seen(), [paths].flat(), options);
  }

  /** Renews this session's claims for their whole time; with `ifDue`, once half of any one's is over. Returns them. */
  async renew(options?: RenewOptions): Promise<Claim[]> {
    checkOptions("renew claims", options, RENEW);
    return (await load.claims()).renewClaims(this.#acting.mine(), options);
  }

  /** Gives back all that this session claims. */
  async releaseAll(): Promise<Claim[]> {
    return (await load.yields()).releaseAndTell(this.#acting.mine(), "all");
  }

  /** Appends text to a file that many write, one writer at a time. Throws `timed_out` if others hold it too long. */
  async append(file: string, text: string, options?: AppendOptions): Promise<AppendResult> {
    checkOptions("append", options, APPEND);
    return (await load.files()).append(this.#acting.mine(), file, text, options);
  }
}
