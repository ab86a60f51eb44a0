import { cleanLine } from "../text.ts";
import type { Message } from "./message.ts";

/** What is to be said of a message's proof of origin. Of a message that nobody had to prove, nothing. */
export function proofWords(message: Message): string[] {
  const { state, by = "", is_sealed } = message.proof ?? { state: "unsigned", is_sealed: false };
  const says = {
    signed: `signed by ${cleanLine(by)}`,
    unsigned: "",
    missing: "NOT SIGNED, as others of this sender are",
    wrong: "ITS SIGNATURE IS WRONG",
    unknown_key: "SIGNED BY A KEY THAT IS NOT KNOWN",
  };
  return [says[state], is_sealed ? "sealed" : "", sshNote(message)].filter((note) => note !== "");
}

function sshNote({ proof, ssh_signature }: Message): string {
  const { state, by = "", says = "" } = proof?.ssh ?? { state: "unchecked" };
  if (!ssh_signature) return "";
  const [signer, said] = [cleanLine(by), cleanLine(says)];
  return {
    signed: `signed with an SSH key of ${signer}${signer === said ? "" : `, who is ${said} to git`}`,
    wrong: "ITS SSH SIGNATURE IS OF ANOTHER TEXT",
    unknown_key: `has an SSH signature by a key that is not known, it says of ${said}: agent-relay key --allow`,
    unchecked: "has an SSH signature, which cannot be checked here: ssh-keygen is not installed",
  }[state];
}
