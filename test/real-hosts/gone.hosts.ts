import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { FILE } from "./conversation.ts";
import { ON_CLAUDE_SETTINGS } from "./hosts.ts";
import { outcomeOf } from "./outcome.ts";

const SETTINGS = ".claude/settings.local.json";

describe.each(ON_CLAUDE_SETTINGS)("$name with Claude Code's settings, where the launcher is gone", (host) => {
  const outcome = outcomeOf(host, async (at) => {
    await at.relay("setup", "claude");
    const settings = (at.file(SETTINGS) ?? "").replaceAll(/[^"' ]*\/agent-relay-hook/g, "/gone/agent-relay-hook");
    fs.writeFileSync(path.join(at.project, SETTINGS), settings);
    const file = path.join(at.project, FILE);
    if (host.read) at.stub.will({ answer: host.read(file) });
    at.stub.will({ answer: host.edit(file, "before", "after") });
    return { code: await at.host(host.first("go on")), edited: at.file(FILE), settings };
  });

  test("it edits, and ends by itself", () => {
    const { was } = outcome();
    expect(was.settings).toContain("/gone/agent-relay-hook");
    expect(was).toMatchObject({ code: 0, edited: "after\n" });
  });
});
