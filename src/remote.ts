import { RelayError } from "./errors.ts";
import { ServerCredentials, serverUrl } from "./identity/servers.ts";
import { stateFolder } from "./state-folder.ts";
import { HttpStore } from "./store/http/http-store.ts";

/** The relay at `server` as a store, for who the environment shows. Throws `usage`. */
export function remoteStore(
  server: string,
  env: Readonly<Record<string, string | undefined>>,
  now: () => number,
): HttpStore {
  const url = serverUrl(server);
  const folder = stateFolder(env);
  if (folder === undefined)
    throw new RelayError("usage", "Cannot log in: there is no home folder to keep a key in", { next: "set HOME" });
  return new HttpStore(url.href, {
    now,
    credentials: new ServerCredentials(url, { folder, now, token: env.AGENT_RELAY_TOKEN || undefined }),
  });
}
