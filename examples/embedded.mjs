// A tool that embeds the relay: a build that tells every agent how it went. Usage: node embedded.mjs [folder]
import { Relay, RelayError } from "agent-relay";

const cwd = process.argv[2] ?? process.cwd();
const relay = await Relay.open({ cwd, session: "build-bot", agent: "ci", onNotice: ({ text }) => console.error(text) });

try {
  const sent = await relay.send("The build is green", { kind: "status", expiresMs: 3_600_000, report: true });
  const idle = sent.recipients.filter((one) => one.presence !== "active").length;
  console.log(`${sent.id} is on disk; ${sent.recipients.length} agents will be told, ${idle} of them not active`);
  await relay.send("Please fix the build", { to: "role:builder" });
} catch (error) {
  if (!(error instanceof RelayError)) throw error;
  console.log(`${error.code}: ${error.message}`);
} finally {
  await relay.close();
}
