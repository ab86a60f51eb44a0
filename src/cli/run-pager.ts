import { spawn } from "node:child_process";
import { errno, systemError } from "../errors.ts";

/**
 * Shows a text by a pager, and resolves when the person has left it. False, with nothing shown, if there is no such program;
 * throws EPIPE where the person left before all of it was taken.
 */
export async function runPager(
  text: string,
  [program = "", ...args]: readonly string[],
  given: NodeJS.ProcessEnv,
): Promise<boolean> {
  const env = { LESS: "FRX", LV: "-c", ...given }; // F: none for one screen; R: colours; X: leaves it on the screen
  const ignore = () => {}; // the pager has the terminal, and what an interrupt means there
  process.on("SIGINT", ignore);
  try {
    const child = spawn(program, args, { stdio: ["pipe", "inherit", "inherit"], env });
    let early: unknown;
    child.stdin.on("error", (error) => {
      early = error;
    });
    child.stdin.end(text);
    const failure = await new Promise<unknown>((resolve) =>
      child.on("error", resolve).on("close", () => resolve(undefined)),
    );
    if (errno(failure) === "ENOENT") return false;
    if (failure !== undefined) throw systemError(`run "${program}"`, failure);
    if (early !== undefined) throw early;
    return true;
  } finally {
    process.off("SIGINT", ignore);
  }
}
