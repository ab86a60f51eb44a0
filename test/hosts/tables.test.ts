import { expect, test } from "vitest";
import { AGENT_HOSTS } from "../../src/hosts/detect.ts";
import { HOOK_HOSTS } from "../../src/hosts/hook-hosts.ts";
import { HOST_SETUPS } from "../../src/hosts/setup.ts";

test("a host whose hooks are answered is recognised by its process, and can be set up", () => {
  const names = (hosts: readonly { readonly agent: string }[]) => hosts.map(({ agent }) => agent).sort();
  expect(names(HOST_SETUPS)).toEqual(names(HOOK_HOSTS));
  expect(names(AGENT_HOSTS)).toEqual(expect.arrayContaining(names(HOOK_HOSTS)));
});
