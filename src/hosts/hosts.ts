import { antigravity } from "./antigravity.ts";
import { claude } from "./claude.ts";
import { codex } from "./codex.ts";
import { copilot } from "./copilot.ts";
import { cursor } from "./cursor.ts";
import { gemini } from "./gemini.ts";
import type { Host } from "./host.ts";
import { opencode } from "./opencode.ts";

/** Every host that we know. */
export const HOSTS: readonly Host[] = [claude, codex, gemini, antigravity, cursor, copilot, opencode];
