import { findRelay } from "../../open/open.ts";
import { cleanLine } from "../../text.ts";
import { defineVerb } from "../command.ts";

export const verb = defineVerb({
  name: "whoami",
  about: "Explain who you are here, which relay this is, and why.",
  example: "agent-relay whoami",
  async run(cli) {
    const { project, identity } = await findRelay(cli.openOptions());
    const { relay } = await cli.openStrange();
    const registration = project.exists ? await relay.agents.find(identity.session) : undefined;
    const trust = project.exists ? await relay.admin.isTrusted() : true;
    const lines = [
      `session  ${identity.session} (${identity.because})`,
      `agent    ${identity.agent}${identity.pid === 0 ? "" : `, pid ${identity.pid}`}`,
      `name     ${registration?.name ?? "none yet: a first send registers you"}`,
      `relay    ${project.server ?? project.dir} (${project.because}${project.exists ? "" : "; not made yet"})`,
      `trusted  ${trust ? "yes" : "no: it was made elsewhere, so its mail is shown but not put before a model; a person may run agent-relay trust"}`,
    ];
    await cli.say(
      { ...identity, name: registration?.name, relay: project, trusted: trust },
      `${lines.map(cleanLine).join("\n")}\n`,
    );
  },
});
