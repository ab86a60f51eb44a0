import { processIo } from "./io.ts";
import { main } from "./main.ts";

export { main };

/** Runs the command as this process. All output was written when it ends, so there is nothing to wait for. */
export function start(): void {
  main(process.argv.slice(2), processIo()).then((code) => process.exit(code));
}
