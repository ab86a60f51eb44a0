import { RelayError } from "../errors.ts";
import { KnownKeys } from "../identity/known-keys.ts";
import { machineKey } from "../identity/machine-key.ts";
import { provingStore, unprovenStore } from "../identity/proving-store.ts";
import { readKnownServer, ServerCredentials, serverUrl } from "../identity/servers.ts";
import { stateFolder } from "../machine/state-dir.ts";
import { HttpStore } from "../store/http/http-store.ts";
import type { Notice, Store } from "../store/store.ts";

/** A relay that is on a server, for the user that the environment shows. */
export interface Remote {
  readonly store: Store;
  /** The same relay for another session of this user and machine. */
  as(session: string): Store;
  /** The session of the person here, where the server knows this machine by a login: its name alone may be another's. */
  readonly person: string | undefined;
  /** Sets the session that `store` acts for. */
  actAs(session: string): void;
  /** How far the server's clock is ahead of ours, ms. */
  clockAhead(): number;
}

/** The relay at `server`. Throws `usage`. */
export function remoteRelay(
  server: string,
  env: Readonly<Record<string, string | undefined>>,
  now: () => number,
  onNotice?: (notice: Notice) => void,
): Remote {
  const url = serverUrl(server);
  const folder = stateFolder(env);
  if (folder === undefined)
    throw new RelayError("usage", "Cannot log in: there is no home folder to keep a key in", { next: "set HOME" });
  const token = env.AGENT_RELAY_TOKEN || undefined;
  const credentials = new ServerCredentials(url, { folder, now, token });
  const http = new HttpStore(url.href, { now, credentials, onNotice });
  const login = token === undefined ? readKnownServer(folder, url) : undefined;
  const proving = login && {
    ...{ relay: login.relay, owner: `${login.user}/${login.machine}` },
    ...{ key: machineKey(folder), known: new KnownKeys(folder, login.relay) },
  };
  const proven = (store: HttpStore) => (proving ? provingStore(store, proving) : unprovenStore(store));
  return {
    store: proven(http),
    person: login && `${login.user}-${login.machine}`,
    as(session) {
      const store = new HttpStore(url.href, { now, credentials, onNotice });
      store.actAs(session);
      return proven(store);
    },
    actAs: (session) => http.actAs(session),
    clockAhead: () => http.clockAhead,
  };
}
