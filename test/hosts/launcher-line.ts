import type { Host } from "../../src/hosts/host.ts";

/** A host's line in the table of `bin/agent-relay-hook`. */
export function launcherLine(host: Host): string {
  const { agent, silentExceptAt, bearsUnread, saysFolder, told, toldUnless = [], wakesIf, text } = host;
  const variables = (names: readonly string[]) => names.map((name) => `$${name}`).join("");
  const seats = Object.entries(wakesIf ?? {});
  const facts = [
    silentExceptAt && `silent=' ${silentExceptAt.map((event) => `${event} `).join("")}'`,
    bearsUnread && "bears=1",
    saysFolder && "roams=1",
    told && `told=${variables([told])}`,
    toldUnless.length > 0 && `unless=${variables(toldUnless)}`,
    wakesIf && `sits=${variables(seats.map(([name]) => name))} seat=${seats.map(([, value]) => value).join("")}`,
    text && "plugin=1",
  ];
  return `${agent}) ${facts.filter(Boolean).join(" ")} ;;`;
}
