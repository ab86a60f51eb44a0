import path from "node:path";
import { hash } from "../hash.ts";

/** What the system needs to run a daemon: a file, and the commands that make it known and unknown. */
export interface Unit {
  readonly file: string;
  readonly text: string;
  readonly enable: readonly (readonly string[])[];
  readonly disable: readonly (readonly string[])[];
}

/** For systemd's user manager, or for launchd. `command` starts the daemon; `dir` is its working folder. */
export function unitFor(
  platform: string,
  home: string,
  session: string,
  dir: string,
  command: readonly string[],
): Unit {
  const name = `agent-relay-${session.replace(/[^\w-]/g, "-").slice(0, 40)}-${hash(`${dir}\n${session}`).toString(36)}`;
  return platform === "darwin" ? launchAgent(home, name, dir, command) : systemdUnit(home, name, dir, command);
}

function systemdUnit(home: string, name: string, dir: string, command: readonly string[]): Unit {
  const quoted = (word: string) => `"${word.replace(/[\\"]/g, "\\$&").replaceAll("%", "%%").replaceAll("$", "$$$$")}"`;
  return {
    file: path.join(home, ".config/systemd/user", `${name}.service`),
    text: `[Unit]
Description=agent-relay: starts an agent when mail comes

[Service]
WorkingDirectory=${dir.replaceAll("%", "%%")}
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

function launchAgent(home: string, name: string, dir: string, command: readonly string[]): Unit {
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
  <key>RunAtLoad</key><true/>
  <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>
</dict>
</plist>
`,
    enable: [["launchctl", "load", "-w", file]],
    disable: [["launchctl", "unload", "-w", file]],
  };
}
