import fs from "node:fs";
import { expect, test } from "vitest";
import { HOSTS } from "../../src/hosts/hosts.ts";
import { LAUNCHER } from "../support/paths.ts";
import { launcherLine } from "./launcher-line.ts";

const TABLE = /(?<=^# hosts\n).*(?=^# end of hosts$)/ms;

test("the launcher knows of each host what its file says", () => {
  const lines = HOSTS.map((host) => `${launcherLine(host)}\n`).join("");
  const launcher = fs.readFileSync(LAUNCHER, "utf8");
  if (process.env.UPDATE_LAUNCHER)
    fs.writeFileSync(
      LAUNCHER,
      launcher.replace(TABLE, () => lines),
    );
  else expect(TABLE.exec(launcher)?.[0], "UPDATE_LAUNCHER=1 npx vitest run test/hosts writes it").toBe(lines);
});
