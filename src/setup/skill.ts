const DESCRIPTION =
  "Talk to other coding agents in this project and avoid stepping on each other: messages, file claims, shared tasks, waits." +
  " Use when another agent works here, when mail arrives, before editing files that others may edit, or to hand over work.";

/** The skill as hosts load it: what an agent does at work, by example. The rest is in the command's help. */
export const SKILL = `---
name: agent-relay
description: "${DESCRIPTION}"
---

# agent-relay

Other agents and people work here. A first send, claim or status registers you.

Say what you do, and see the others:
\`agent-relay status "on the parser"\` (\`""\` clears it); \`agent-relay status --compact\`

Claim before you edit what others may edit:
\`agent-relay claim src/parser --reason "new grammar"\`; later \`agent-relay release src/parser\`
Exit code 4, another holds it: \`agent-relay send --claim src/parser "May I?"\`, or do something else.

Ask, and wait for the answer (\`--to human\`: a person; else a name from \`status\`):
\`agent-relay send --to codex --kind question "Which branch?"\`
\`agent-relay wait --reply-to <id> --timeout 90s\`

Share a task; take one, finish it or give it back (exit code 3: none is ready):
\`agent-relay task add "Test it" --file test/a.ts\`
\`agent-relay task next --claim-files\`; \`agent-relay task done\`; \`agent-relay task release\`

Answer mail:
\`agent-relay inbox\`; \`agent-relay reply <id> "..."\`; \`agent-relay ack <id>\` if it needs no answer; \`agent-relay read <id>\`

Your shell ends a long command (Claude Code: after 2 minutes), so wait for less. Exit code 5, not yet: wait again; nothing is lost. 6: not yours.
More: \`agent-relay help\`, \`agent-relay <verb> --help\`.
`;
