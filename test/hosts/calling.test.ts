import { describe, expect, test } from "vitest";
import { antigravity } from "../../src/hosts/antigravity.ts";
import { hostCalling, nothing, reply } from "../../src/hosts/calling.ts";
import { claude } from "../../src/hosts/claude.ts";
import { codex } from "../../src/hosts/codex.ts";
import { copilot } from "../../src/hosts/copilot.ts";
import { cursor } from "../../src/hosts/cursor.ts";
import { gemini } from "../../src/hosts/gemini.ts";
import type { HookAnswer, HookCall, Payload } from "../../src/hosts/hook.ts";
import type { Host } from "../../src/hosts/host.ts";
import { HOSTS } from "../../src/hosts/hosts.ts";
import { opencode } from "../../src/hosts/opencode.ts";
import { heron } from "./heron.ts";

const START = { at: "start" } as const;
const PROMPT = { at: "prompt" } as const;
const STOP = { at: "stop", wasHeld: false } as const;
const UNKNOWN = { at: "stop", wasHeld: undefined } as const;
const HELD = { at: "stop", wasHeld: true } as const;
const PAUSE = { at: "pause" } as const;
const END = { at: "end" } as const;
const OTHER = { at: "other" } as const;
const STEP = { at: "step" } as const;
const before = (name: string, ...paths: string[]) => ({ at: "before", tool: { name, writes: writes(paths) } }) as const;
const after = (name: string, ...paths: string[]) => ({ at: "after", tool: { name, writes: writes(paths) } }) as const;
const removing = (name: string, ...paths: string[]) =>
  ({ at: "before", tool: { name, writes: paths.map((path) => ({ path, removes: true as const })) } }) as const;
const writes = (paths: readonly string[]) => paths.map((path) => ({ path }));

/** What a host sends, in full, and what of it is meant. */
type Fixture = readonly [payload: Payload, moment: HookCall["moment"], event?: string];

interface Golden {
  readonly host: Host;
  readonly session: string;
  readonly fixtures: readonly Fixture[];
}

const CLAUDE = { session_id: "a96cb852", transcript_path: "/h/t.jsonl", cwd: "/w" };
const CLAUDE_TURN = { ...CLAUDE, prompt_id: "8b56", permission_mode: "default", effort: { level: "xhigh" } };
const CODEX = { session_id: "01a0090b", transcript_path: "/h/t.jsonl", cwd: "/w", model: "gpt-5.6-sol" };
const CODEX_TURN = { ...CODEX, turn_id: "01a0", permission_mode: "default" };
const GEMINI = { session_id: "4fe4a52a", transcript_path: "/h/t", cwd: "/w", timestamp: "2026-08-16T07:26:52.819Z" };
const AGY = {
  ...{ conversationId: "c-1", workspacePaths: ["/w", "/x"], transcriptPath: "/h/t", artifactDirectoryPath: "/h/a" },
  modelName: "gemini-3.8-flash-high",
};
const COPILOT = { sessionId: "c1", timestamp: 1790000000000, cwd: "/w" };
const COPILOT_SNAKE = { session_id: "c1", timestamp: "2026-11-21T10:00:00.000Z", cwd: "/w" };
const CURSOR = {
  ...{ conversation_id: "u1", generation_id: "u2", model: "m", cursor_version: "3.1", workspace_roots: ["/w", "/x"] },
  ...{ user_email: null, transcript_path: null },
};
const HERON = { session_id: "h-1", cwd: "/w", heron_version: 2 };
const ALL = [...HOSTS, heron];
const OPENCODE = { session_id: "ses_1", cwd: "/w" };
const PATCH = "*** Begin Patch\n*** Update File: a.ts\n@@\n-x\n+y\n*** Add File: b/c.ts\n+z\n*** End Patch";

const GOLDEN: readonly Golden[] = [
  {
    host: claude,
    session: "a96cb852",
    fixtures: [
      [{ ...CLAUDE, hook_event_name: "SessionStart", source: "startup" }, START],
      [{ ...CLAUDE, hook_event_name: "SessionStart", source: "clear", model: "m" }, START],
      [{ ...CLAUDE, hook_event_name: "SessionStart", source: "resume", context_tokens: 9 }, START],
      [{ ...CLAUDE, hook_event_name: "SessionStart", source: "compact" }, START],
      [{ ...CLAUDE, hook_event_name: "SessionStart", source: "fork" }, START],
      [{ ...CLAUDE_TURN, hook_event_name: "UserPromptSubmit", prompt: "hi", source: "user" }, PROMPT],
      [
        {
          ...{ ...CLAUDE_TURN, hook_event_name: "PreToolUse", tool_name: "Write", tool_use_id: "toolu_01" },
          tool_input: { file_path: "/w/a", content: "x" },
        },
        before("Write", "/w/a"),
      ],
      [
        {
          ...CLAUDE_TURN,
          hook_event_name: "PreToolUse",
          tool_name: "NotebookEdit",
          tool_input: { notebook_path: "n" },
        },
        before("NotebookEdit", "n"),
      ],
      [
        {
          ...CLAUDE_TURN,
          hook_event_name: "PreToolUse",
          tool_name: "Bash",
          tool_input: { command: "echo x > a | tee b" },
        },
        before("Bash", "a", "b"),
      ],
      [
        { ...CLAUDE_TURN, hook_event_name: "PreToolUse", tool_name: "Read", tool_input: { file_path: "/w/a" } },
        before("Read"),
      ],
      [
        {
          ...{ ...CLAUDE_TURN, hook_event_name: "PostToolUse", tool_name: "Write", tool_use_id: "toolu_01" },
          ...{ tool_input: { file_path: "/w/a", content: "x" }, tool_response: { type: "create", filePath: "/w/a" } },
        },
        after("Write", "/w/a"),
      ],
      [{ ...CLAUDE_TURN, hook_event_name: "PostToolBatch", tool_calls: [{ tool_name: "Write" }] }, STEP],
      [
        {
          ...{ ...CLAUDE_TURN, hook_event_name: "Stop", stop_hook_active: false, last_assistant_message: "done" },
          ...{ background_tasks: [], session_crons: [] },
        },
        STOP,
      ],
      [{ ...CLAUDE_TURN, hook_event_name: "Stop", stop_hook_active: true }, HELD],
      [{ ...CLAUDE, hook_event_name: "SessionEnd", reason: "prompt_input_exit" }, END],
      ...["Setup", "PermissionRequest", "Notification", "SubagentStop", "PreCompact", "FileChanged", "Tomorrow"].map(
        (name): Fixture => [{ ...CLAUDE, hook_event_name: name }, OTHER],
      ),
      ...["PostToolUseFailure", "SubagentStart", "StopFailure"].map(
        (name): Fixture => [{ ...CLAUDE_TURN, hook_event_name: name }, OTHER],
      ),
    ],
  },
  {
    host: codex,
    session: "01a0090b",
    fixtures: [
      [{ ...CODEX, hook_event_name: "SessionStart", permission_mode: "default", source: "startup" }, START],
      [{ ...CODEX, hook_event_name: "SessionStart", source: "compact" }, START],
      [{ ...CODEX_TURN, hook_event_name: "UserPromptSubmit", prompt: "hi" }, PROMPT],
      [
        { ...CODEX_TURN, hook_event_name: "PreToolUse", tool_name: "apply_patch", tool_input: { command: PATCH } },
        before("apply_patch", "a.ts", "b/c.ts"),
      ],
      [
        {
          ...{ ...CODEX_TURN, hook_event_name: "PreToolUse", tool_name: "Bash", tool_use_id: "exec-1608" },
          tool_input: { command: `cd s && apply_patch <<'EOF'\n${PATCH}\nEOF\n` },
        },
        before("Bash", "s/a.ts", "s/b/c.ts"),
      ],
      [
        {
          ...{ ...CODEX_TURN, hook_event_name: "PostToolUse", tool_name: "Bash", tool_use_id: "exec-1608" },
          ...{ tool_input: { command: "echo hi" }, tool_response: "hi\n" },
        },
        after("Bash"),
      ],
      [{ ...CODEX_TURN, hook_event_name: "Stop", stop_hook_active: false, last_assistant_message: null }, STOP],
      [{ ...CODEX_TURN, hook_event_name: "Stop", stop_hook_active: true, last_assistant_message: "done" }, HELD],
      [{ ...CODEX, hook_event_name: "SessionEnd", reason: "other" }, END],
      ...["SubagentStart", "SubagentStop", "PreCompact", "PostCompact", "Interrupt", "PermissionRequest"].map(
        (name): Fixture => [{ ...CODEX_TURN, hook_event_name: name }, OTHER],
      ),
    ],
  },
  {
    host: gemini,
    session: "4fe4a52a",
    fixtures: [
      [{ ...GEMINI, hook_event_name: "SessionStart", source: "startup" }, START],
      [{ ...GEMINI, hook_event_name: "SessionStart", source: "resume" }, START],
      [{ ...GEMINI, hook_event_name: "SessionStart", source: "clear" }, START],
      [{ ...GEMINI, hook_event_name: "BeforeAgent", prompt: "hi" }, PROMPT],
      [
        {
          ...GEMINI,
          hook_event_name: "BeforeTool",
          tool_name: "replace",
          tool_input: { file_path: "a", old_string: "x" },
        },
        before("replace", "a"),
      ],
      [
        {
          ...GEMINI,
          hook_event_name: "BeforeTool",
          tool_name: "write_file",
          tool_input: { file_path: "a", content: "" },
        },
        before("write_file", "a"),
      ],
      [
        {
          ...{ ...GEMINI, hook_event_name: "BeforeTool", tool_name: "run_shell_command" },
          tool_input: { command: "rm a /b", dir_path: "s" },
        },
        removing("run_shell_command", "s/a", "/b"),
      ],
      [
        {
          ...{ ...GEMINI, hook_event_name: "AfterTool", tool_name: "write_file" },
          ...{ tool_input: { file_path: "/w/a" }, tool_response: { llmContent: "x" } },
        },
        after("write_file", "/w/a"),
      ],
      [
        { ...GEMINI, hook_event_name: "AfterAgent", prompt: "hi", prompt_response: "ok", stop_hook_active: false },
        STOP,
      ],
      [{ ...GEMINI, hook_event_name: "AfterAgent", prompt: "hi", stop_hook_active: true }, HELD],
      [{ ...GEMINI, hook_event_name: "SessionEnd", reason: "exit" }, END],
      [{ ...GEMINI, hook_event_name: "PreCompress", trigger: "auto" }, OTHER],
      [{ ...GEMINI, hook_event_name: "BeforeModel", llm_request: {} }, OTHER],
    ],
  },
  {
    host: antigravity,
    session: "c-1",
    fixtures: [
      [AGY, { at: "start", isOften: true }, "SessionStart"],
      [{ ...AGY, invocationNum: 0, initialNumSteps: 0 }, PROMPT, "PreInvocation"],
      [{ ...AGY, invocationNum: 1, initialNumSteps: 0 }, PROMPT, "PreInvocation"],
      [{ ...AGY, invocationNum: 2, initialNumSteps: 5 }, STEP, "PreInvocation"],
      [{ ...AGY, executionNum: 1, terminationReason: "x", fullyIdle: true, error: "" }, UNKNOWN, "Stop"],
      [AGY, OTHER, "PostInvocation"],
      [AGY, OTHER],
    ],
  },
  {
    host: cursor,
    session: "u1",
    fixtures: [
      [{ ...CURSOR, hook_event_name: "sessionStart", session_id: "other", is_background_agent: false }, START],
      [{ ...CURSOR, hook_event_name: "beforeSubmitPrompt", prompt: "hi", attachments: [] }, OTHER],
      [
        { ...CURSOR, hook_event_name: "preToolUse", tool_name: "Write", tool_input: { file_path: "a", content: "x" } },
        before("Write", "a"),
      ],
      [
        {
          ...{ ...CURSOR, hook_event_name: "preToolUse", tool_name: "Shell" },
          tool_input: { command: "rm a", working_directory: "/w/s" },
        },
        removing("Shell", "/w/s/a"),
      ],
      [{ ...CURSOR, hook_event_name: "beforeShellExecution", command: "rm a", cwd: "/w" }, removing("shell", "a")],
      [
        {
          ...CURSOR,
          hook_event_name: "postToolUse",
          tool_name: "Delete",
          tool_input: { path: "a" },
          tool_output: "{}",
        },
        after("Delete", "a"),
      ],
      [{ ...CURSOR, hook_event_name: "stop", status: "completed", loop_count: 0 }, STOP],
      [{ ...CURSOR, hook_event_name: "stop", status: "completed", loop_count: 2 }, HELD],
      [{ ...CURSOR, hook_event_name: "sessionEnd", session_id: "u1", reason: "completed" }, END],
      ...["subagentStart", "subagentStop", "afterFileEdit", "preCompact", "afterAgentThought"].map(
        (name): Fixture => [{ ...CURSOR, hook_event_name: name }, OTHER],
      ),
    ],
  },
  {
    host: copilot,
    session: "c1",
    fixtures: [
      [{ ...COPILOT, source: "new", initialPrompt: "hi" }, START, "sessionStart"],
      [{ ...COPILOT, source: "resume" }, START, "sessionStart"],
      [{ ...COPILOT, prompt: "hi" }, PROMPT, "userPromptSubmitted"],
      [{ ...COPILOT, toolName: "edit", toolArgs: { path: "a" } }, before("edit", "a"), "preToolUse"],
      [{ ...COPILOT, toolName: "create", toolArgs: '{"path":"a"}' }, before("create", "a"), "preToolUse"],
      [{ ...COPILOT, toolName: "bash", toolArgs: '{"command":"rm a"}' }, removing("bash", "a"), "preToolUse"],
      [{ ...COPILOT, toolName: "bash", toolArgs: "{no json" }, before("bash"), "preToolUse"],
      [
        { ...COPILOT, toolName: "create", toolArgs: { path: "a" }, toolResult: {} },
        after("create", "a"),
        "postToolUse",
      ],
      [{ ...COPILOT, transcriptPath: "/h/t", stopReason: "end_turn", stop_hook_active: false }, STOP, "agentStop"],
      [{ ...COPILOT, stopReason: "end_turn", stop_hook_active: true }, HELD, "agentStop"],
      [{ ...COPILOT, reason: "user_exit" }, END, "sessionEnd"],
      [{ ...COPILOT, reason: "complete" }, PAUSE, "sessionEnd"],
      [{ ...COPILOT, notificationType: "agent_idle" }, OTHER, "notification"],
      [{ ...COPILOT_SNAKE, hook_event_name: "SessionStart", source: "new", initial_prompt: "hi" }, START],
      [{ ...COPILOT_SNAKE, hook_event_name: "UserPromptSubmit", prompt: "hi" }, PROMPT],
      [
        { ...COPILOT_SNAKE, hook_event_name: "PreToolUse", tool_name: "edit", tool_input: { path: "a" } },
        before("edit", "a"),
      ],
      [
        {
          ...COPILOT_SNAKE,
          hook_event_name: "PostToolUse",
          tool_name: "edit",
          tool_input: { path: "a" },
          tool_result: {},
        },
        after("edit", "a"),
      ],
      [{ ...COPILOT_SNAKE, hook_event_name: "Stop", stop_reason: "end_turn", stop_hook_active: false }, STOP],
      [{ ...COPILOT_SNAKE, hook_event_name: "Tomorrow" }, OTHER],
    ],
  },
  {
    host: opencode,
    session: "ses_1",
    fixtures: [
      [{ ...OPENCODE, hook_event_name: "SessionStart" }, START],
      [{ ...OPENCODE, hook_event_name: "UserPromptSubmit" }, PROMPT],
      [
        {
          ...{ ...OPENCODE, hook_event_name: "PreToolUse", kind: "edit", tool_name: "edit" },
          tool_input: { filePath: "/w/a", oldString: "x", newString: "y" },
        },
        before("edit", "/w/a"),
      ],
      [
        {
          ...{ ...OPENCODE, hook_event_name: "PreToolUse", kind: "shell", tool_name: "bash" },
          tool_input: { command: "echo x > a", description: "x" },
        },
        before("bash", "a"),
      ],
      [
        {
          ...{ ...OPENCODE, hook_event_name: "PreToolUse", kind: "edit", tool_name: "apply_patch" },
          tool_input: { patchText: PATCH },
        },
        before("apply_patch", "a.ts", "b/c.ts"),
      ],
      [
        { ...OPENCODE, hook_event_name: "PostToolUse", tool_name: "read", tool_input: { filePath: "a" } },
        after("read"),
      ],
      [{ ...OPENCODE, hook_event_name: "Stop" }, UNKNOWN],
      [{ ...OPENCODE, hook_event_name: "SessionEnd" }, END],
      [{ ...OPENCODE, hook_event_name: "Tomorrow" }, OTHER],
    ],
  },
  {
    host: heron,
    session: "h-1",
    fixtures: [
      [{ ...HERON, event: "sessionStart" }, START, "sessionStart"],
      [{ ...HERON, event: "userPromptSubmitted", prompt: "hi" }, PROMPT, "userPromptSubmitted"],
      [
        { ...HERON, event: "preToolUse", tool_name: "write", tool_input: { path: "a" } },
        before("write", "a"),
        "preToolUse",
      ],
      [
        { ...HERON, event: "postToolUse", tool_name: "bash", tool_input: { command: "cat a" } },
        after("bash"),
        "postToolUse",
      ],
      [{ ...HERON, event: "stop", was_held: true }, HELD, "stop"],
      [{ ...HERON, event: "sessionEnd" }, END, "sessionEnd"],
      [{ ...HERON, event: "nest" }, OTHER, "nest"],
    ],
  },
];

test("no two hosts take one payload for their own", () => {
  for (const { host, fixtures } of GOLDEN)
    for (const [payload] of fixtures) {
      const callers = ALL.filter((one) => one.isCalling?.(payload, {})).map(({ agent }) => agent);
      expect(callers.filter((agent) => agent !== host.agent)).toEqual([]);
    }
});

test.each([
  [claude, { ...CLAUDE_TURN, agent_id: "agent-7", agent_type: "Explore" }],
  [codex, { ...CODEX_TURN, agent_id: "agent-7", agent_type: "worker" }],
  [opencode, { ...OPENCODE, agent_id: "ses_2" }],
] as const)("a subagent's call is its parent's session, and known as a subagent's: $0.agent", (host, payload) => {
  const tool = { hook_event_name: "PreToolUse", tool_name: "Write", tool_input: { file_path: "a" } };
  expect(host.read({ ...payload, ...tool }, undefined)).toMatchObject({
    ...{ session: payload.session_id, isSubagent: true, moment: before("Write", "a") },
  });
  for (const hook_event_name of ["SessionStart", "Stop", "SubagentStop"])
    expect(host.read({ ...payload, hook_event_name }, undefined)?.isSubagent).toBe(true);
});

test("Cursor, which runs Claude's hooks besides its own, is answered at its own alone: nothing is said twice", () => {
  for (const name of ["SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "SessionEnd"])
    expect(cursor.read({ ...CURSOR, hook_event_name: name, tool_name: "Write" }, name)?.moment).toEqual(OTHER);
});

describe.each(GOLDEN)("$host.agent", ({ host, session, fixtures }) => {
  const each = fixtures.map(([payload, moment, event]) => ({ payload, moment, event }));

  test.each(each)("is understood: $payload", ({ payload, moment, event }) => {
    const call = host.read(payload, event);
    const name = payload.hook_event_name ?? event ?? "";
    expect(call).toEqual({ session, cwd: "/w", event: name, moment, isSubagent: false });
  });

  test.each(each)("is known by its payload, whatever the command line says: $payload", ({ payload, event }) => {
    const env = host === copilot ? { COPILOT_CLI: "1" } : host === gemini ? { GEMINI_SESSION_ID: "4fe4a52a" } : {};
    if (![claude, codex, opencode].includes(host)) expect(hostCalling("claude", payload, env, ALL)).toBe(host);
    expect(hostCalling(host.agent, payload, env, ALL), event).toBe(host);
  });

  test("fields of a later version change nothing, nor does the order", () => {
    for (const [payload, , event] of fixtures) {
      const known = host.read(payload, event);
      const more = { new_field: { a: [1] }, ...Object.fromEntries(Object.entries(payload).reverse()), x: null };
      expect(host.read(more, event)).toEqual(known);
    }
  });

  test("a field that is missing or of another kind never throws, and without a session it is nobody's", () => {
    for (const [payload, , event] of fixtures)
      for (const field of Object.keys(payload))
        for (const value of [undefined, null, 0, 17, "", true, [], [null], {}, { toString: null }]) {
          const call = host.read({ ...payload, [field]: value }, event);
          const isSession = ["session_id", "sessionId", "conversationId", "conversation_id"].includes(field);
          if (isSession && !(host === cursor && payload.session_id)) expect(call, field).toBeUndefined();
          else expect(typeof call?.cwd).toBe("string");
        }
    expect(host.read({}, "Stop")).toBeUndefined();
  });
});

const TEXT = 'a "b"\n日';
const CONTEXT: HookAnswer = { context: TEXT };
const DENY: HookAnswer = { deny: TEXT };
const GO_ON: HookAnswer = { goOn: TEXT };
const quoted = JSON.stringify(TEXT);
const claudeContext = (event: string) =>
  `{"hookSpecificOutput":{"hookEventName":"${event}","additionalContext":${quoted}}}\n`;
const claudeDeny = `{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":${quoted}}}\n`;

/** What a host is told, word for word; whatever else it were told, some refuse the whole answer. */
const REPLIES: readonly (readonly [host: Host, event: string, answer: HookAnswer, reply: string])[] = [
  ...[claude, codex].flatMap((host) =>
    ["SessionStart", "UserPromptSubmit", "PostToolUse"].map(
      (event) => [host, event, CONTEXT, claudeContext(event)] as const,
    ),
  ),
  [claude, "PostToolBatch", CONTEXT, claudeContext("PostToolBatch")],
  [claude, "PreToolUse", DENY, claudeDeny],
  [codex, "PreToolUse", DENY, claudeDeny],
  [claude, "Stop", GO_ON, `{"decision":"block","reason":${quoted}}\n`],
  [codex, "Stop", GO_ON, `{"decision":"block","reason":${quoted}}\n`],
  [claude, "Stop", {}, ""],
  [claude, "PreToolUse", {}, ""],
  [codex, "Stop", {}, "{}\n"],
  [codex, "SubagentStop", {}, "{}\n"],
  [codex, "Interrupt", {}, "{}\n"],
  [codex, "PreToolUse", {}, ""],
  [codex, "SessionStart", {}, ""],
  ...["SessionStart", "BeforeAgent", "AfterTool"].map(
    (event) => [gemini, event, CONTEXT, claudeContext(event)] as const,
  ),
  [gemini, "BeforeTool", DENY, `{"decision":"deny","reason":${quoted}}\n`],
  [gemini, "AfterAgent", GO_ON, `{"decision":"deny","reason":${quoted}}\n`],
  [gemini, "AfterTool", {}, "{}\n"],
  [antigravity, "PreInvocation", CONTEXT, `{"injectSteps":[{"ephemeralMessage":${quoted}}]}\n`],
  [antigravity, "SessionStart", CONTEXT, `{"injectSteps":[{"ephemeralMessage":${quoted}}]}\n`],
  [antigravity, "Stop", GO_ON, `{"decision":"continue","reason":${quoted}}\n`],
  [antigravity, "Stop", {}, "{}\n"],
  [cursor, "sessionStart", CONTEXT, `{"additional_context":${quoted}}\n`],
  [cursor, "postToolUse", CONTEXT, `{"additional_context":${quoted}}\n`],
  [cursor, "preToolUse", DENY, `{"permission":"deny","user_message":${quoted},"agent_message":${quoted}}\n`],
  [cursor, "stop", GO_ON, `{"followup_message":${quoted}}\n`],
  [cursor, "stop", {}, "{}\n"],
  ...["sessionStart", "userPromptSubmitted", "postToolUse", "SessionStart", "PostToolUse"].map(
    (event) => [copilot, event, CONTEXT, `{"additionalContext":${quoted}}\n`] as const,
  ),
  [copilot, "preToolUse", DENY, `{"permissionDecision":"deny","permissionDecisionReason":${quoted}}\n`],
  [copilot, "agentStop", GO_ON, `{"decision":"block","reason":${quoted}}\n`],
  [copilot, "agentStop", {}, "{}\n"],
  [copilot, "PreToolUse", DENY, `{"permissionDecision":"deny","permissionDecisionReason":${quoted}}\n`],
  [copilot, "Stop", GO_ON, `{"decision":"block","reason":${quoted}}\n`],
  [copilot, "preToolUse", {}, "{}\n"],
  [antigravity, "PreInvocation", {}, "{}\n"],
  [cursor, "sessionStart", {}, "{}\n"],
  [cursor, "preToolUse", {}, "{}\n"],
  [gemini, "BeforeTool", {}, "{}\n"],
  [gemini, "SessionStart", {}, "{}\n"],
  [opencode, "UserPromptSubmit", CONTEXT, `{"context":${quoted}}\n`],
  [opencode, "PreToolUse", DENY, `{"deny":${quoted}}\n`],
  [opencode, "Stop", GO_ON, `{"goOn":${quoted}}\n`],
  [opencode, "Stop", {}, "{}\n"],
  [heron, "userPromptSubmitted", CONTEXT, `{"tell":${quoted}}\n`],
  [heron, "stop", GO_ON, `{"more":${quoted}}\n`],
  [heron, "stop", {}, "{}\n"],
  [heron, "sessionStart", {}, ""],
];

describe("an answer", () => {
  test.each(REPLIES.map(([host, ...rest]) => [host.agent, ...rest, host] as const))(
    "to %s at %s of %j is %s",
    (_, event, answer, said, host) => {
      const call: HookCall = { session: "s", cwd: "/w", event, moment: OTHER, isSubagent: false };
      expect(reply(host, call, answer)).toBe(said);
    },
  );

  test("of nothing is empty for Claude Code and Codex but where that wants JSON, and an empty object for the others", () => {
    expect(HOSTS.map((host) => [host.agent, nothing(host, undefined)])).toEqual([
      ["claude", ""],
      ["codex", ""],
      ["gemini", "{}\n"],
      ["antigravity", "{}\n"],
      ["cursor", "{}\n"],
      ["copilot", "{}\n"],
      ["opencode", "{}\n"],
    ]);
    for (const [host, event, , said] of REPLIES.filter(([, , answer]) => Object.keys(answer).length === 0))
      expect(nothing(host, event)).toBe(said);
  });

  test.each(ALL.map((host) => [host.agent, host] as const))("to %s is one line of JSON, or nothing", (_, host) => {
    for (const answer of [CONTEXT, DENY, GO_ON, {}]) {
      const call: HookCall = { session: "s", cwd: "/w", event: "Stop", moment: OTHER, isSubagent: false };
      expect(reply(host, call, answer)).toMatch(/^(\{.*\}\n)?$/);
    }
  });
});

describe("who calls", () => {
  test("of two hosts that read one settings file is told by what the payload shows", () => {
    const start = { hook_event_name: "SessionStart", source: "startup", session_id: "s", cwd: "/w" };
    const hosts = (payload: Payload, env = {}) =>
      ["claude", "codex", undefined].map((named) => hostCalling(named, payload, env).agent);
    const same = (agent: string) => [agent, agent, agent];
    expect(hosts({ ...CURSOR, hook_event_name: "stop" })).toEqual(same("cursor"));
    expect(hosts({ ...CURSOR, hook_event_name: "Stop", session_id: "s" })).toEqual(same("cursor"));
    expect(hosts({ ...COPILOT_SNAKE, hook_event_name: "SessionStart", initial_prompt: "" })).toEqual(same("copilot"));
    expect(hosts({ ...COPILOT_SNAKE, hook_event_name: "Stop" }, { COPILOT_CLI: "1" })).toEqual(same("copilot"));
    expect(hosts({ ...GEMINI, hook_event_name: "SessionStart" }, { GEMINI_SESSION_ID: "x" })).toEqual(same("gemini"));
    expect(hosts({ ...CODEX_TURN, hook_event_name: "Stop" })).toEqual(same("codex"));
    expect(hosts({ ...start, turn_id: null, model: "m" })).toEqual(same("codex"));
    expect(hosts({ ...CODEX, ...start, transcript_path: "/home/ann/.codex/sessions/x.jsonl" })).toEqual(same("codex"));
    expect(hosts(start)).toEqual(["claude", "codex", "claude"]);
  });

  test("is not told by an environment that a host of another kind left to its children", () => {
    const env = { CLAUDECODE: "1", CLAUDE_PROJECT_DIR: "/w", COPILOT_CLI: "1", GEMINI_SESSION_ID: "g" };
    expect(hostCalling("claude", { ...CLAUDE, hook_event_name: "SessionStart" }, env)).toBe(claude);
    expect(hostCalling("codex", { ...CODEX_TURN, hook_event_name: "Stop" }, env)).toBe(codex);
    expect(hostCalling("gemini", { ...GEMINI, hook_event_name: "BeforeAgent" }, env)).toBe(gemini);
    expect(hostCalling("gemini", { ...GEMINI, hook_event_name: "SessionStart" }, env)).toBe(gemini);
  });

  test("is Claude Code where nothing says who it is, and whatever a payload holds nothing throws", () => {
    expect(hostCalling(undefined, {}, {})).toBe(claude);
    expect(hostCalling("nobody", { hook_event_name: 7 }, {})).toBe(claude);
    expect(hostCalling("constructor", { hook_event_name: "__proto__" }, {})).toBe(claude);
  });
});
