import path from "node:path";
import { RelayError } from "../errors.ts";
import { hash } from "../hash.ts";

/** What the system needs to run a daemon: a unit file, and the commands that enable and disable it. */
export interface ServiceUnit {
  readonly file: string;
  readonly text: string;
  readonly enable: readonly (readonly string[])[];
  readonly disable: readonly (readonly string[])[];
}

/** The paths of the person whose unit it is. */
interface ServicePaths {
  readonly home: string;
  /** The person's PATH: a service starts with hardly any. */
  readonly path: string;
}

/** The unit for launchd (darwin) or systemd's user manager. `command` starts the daemon in the folder `dir`. */
export function unitFor(
  platform: string,
  { home, path: PATH }: ServicePaths,
  session: string,
  dir: string,
  command: readonly string[],
  about = "starts an agent when mail comes",
): ServiceUnit {
  if ([dir, PATH, ...command].some((word) => /[\r\n\0]/.test(word)))
    throw new RelayError("usage", "Cannot install a command with a line end in it: its unit could not say it", {
      next: "put it into a script of its own, and name that",
    });
  const name = `agent-relay-${session.replace(/[^\w-]/g, "-").slice(0, 40)}-${hash(`${dir}\n${session}`).toString(36)}`;
  const unit = platform === "darwin" ? launchAgent : systemdUnit;
  return unit({ home, path: PATH }, name, dir, command, about);
}

function systemdUnit(
  { home, path: PATH }: ServicePaths,
  name: string,
  dir: string,
  command: readonly string[],
  about: string,
): ServiceUnit {
  const quoted = (word: string) => `"${word.replace(/[\\"]/g, "\\$&").replaceAll("%", "%%").replaceAll("$", "$$$$")}"`;
  return {
    file: path.join(home, ".config/systemd/user", `${name}.service`),
    text: `[Unit]
Description=agent-relay: ${about}

[Service]
WorkingDirectory=${dir.replaceAll("%", "%%")}
Environment=${quoted(`PATH=${PATH}`)}
ExecStart=${command.map(quoted).join(" ")}
Restart=on-failure
RestartSec=30

[Install]
WantedBy=default.target
`,
    enable: [
      ["systemctl", "--user", "daemon-reload"],
      ["systemctl", "--user", "enable", "--now", `${name}.service`],
    ],
    disable: [["systemctl", "--user", "disable", "--now", `${name}.service`]],
  };
}

function launchAgent(
  { home, path: PATH }: ServicePaths,
  name: string,
  dir: string,
  command: readonly string[],
): ServiceUnit {
  const text = (word: string) => word.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const file = path.join(home, "Library/LaunchAgents", `${name}.plist`);
  return {
    file,
    text: `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key><string>${name}</string>
  <key>ProgramArguments</key><array>${command.map((word) => `<string>${text(word)}</string>`).join("")}</array>
  <key>WorkingDirectory</key><string>${text(dir)}</string>
  <key>EnvironmentVariables</key><dict><key>PATH</key><string>${text(PATH)}</string></dict>
  <key>RunAtLoad</key><true/>
  <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>
</dict>
</plist>
`,
    enable: [["launchctl", "load", "-w", file]],
    disable: [["launchctl", "unload", "-w", file]],
  };
}
