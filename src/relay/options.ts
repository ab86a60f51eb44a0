import type { AppendOptions } from "../claims/append.ts";
import type { ClaimOptions, ReleaseOptions, RenewOptions, WaitingClaimOptions } from "../claims/claims.ts";
import type { RegisterOptions, RelayOptions } from "../context.ts";
import type { OptionNames } from "../limits.ts";
import type { HistoryOptions } from "../messages/history.ts";
import type { InboxOptions, UnreadOptions } from "../messages/inbox.ts";
import type { WatchOptions } from "../messages/watch.ts";
import type { OpenOptions } from "../open/open.ts";
import type { TaskEdit } from "../tasks/edit.ts";
import type { TaskListOptions } from "../tasks/lifecycle.ts";
import type { NextOptions } from "../tasks/next.ts";
import type { TakeOptions } from "../tasks/take.ts";
import type { MoveOptions, TaskFields } from "../tasks/update.ts";
import type { ActivityOptions, EventsOptions } from "../views/activity.ts";
import type { WaitFor } from "../waits/wait.ts";
import type { WaitOptions } from "../waits/waiting.ts";

// The names of the options that each method knows, for programs that no compiler checks. The compiler sees that each is here.

export const REGISTER: OptionNames<RegisterOptions> = { name: true, role: true, pid: true, metadata: true, cwd: true };

export const RELAY: OptionNames<RelayOptions> = {
  ...REGISTER,
  session: true,
  agent: true,
  isPerson: true,
  via: true,
  durability: true,
  limits: true,
  thresholds: true,
  trusted: true,
  store: true,
  now: true,
  onNotice: true,
};

export const OPEN: OptionNames<OpenOptions> = {
  ...RELAY,
  dir: true,
  env: true,
  server: true,
  client: true,
};

export const INBOX: OptionNames<InboxOptions> = {
  limit: true,
  rank: true,
  all: true,
  since: true,
  signal: true,
  peek: true,
  show: true,
  registers: true,
  by: true,
  patienceMs: true,
};

export const UNREAD: OptionNames<UnreadOptions> = { except: true };
export const HISTORY: OptionNames<HistoryOptions> = { limit: true, with: true, since: true };
export const WATCH: OptionNames<WatchOptions> = { signal: true, mark: true };

export const CLAIM: OptionNames<ClaimOptions> = {
  resources: true,
  mode: true,
  reason: true,
  ttlMs: true,
  cwd: true,
  thisWorktreeOnly: true,
  exact: true,
};
export const WAITING_CLAIM: OptionNames<WaitingClaimOptions> = { ...CLAIM, waitMs: true, signal: true };
export const RELEASE: OptionNames<ReleaseOptions> = { ...CLAIM, force: true };
export const RENEW: OptionNames<RenewOptions> = { ifDue: true };
export const APPEND: OptionNames<AppendOptions> = {
  cwd: true,
  reason: true,
  ttlMs: true,
  signal: true,
  waitMs: true,
  raw: true,
};

export const WAIT_FOR: OptionNames<WaitFor> = {
  released: true,
  resources: true,
  ended: true,
  message: true,
  from: true,
  kind: true,
  replyTo: true,
  taskDone: true,
};
export const WAIT: OptionNames<WaitOptions> = {
  any: true,
  timeoutMs: true,
  signal: true,
  cwd: true,
  thisWorktreeOnly: true,
};

export const TASK_FIELDS: OptionNames<TaskFields> = {
  description: true,
  files: true,
  priority: true,
  dependsOn: true,
  cwd: true,
};
export const TASK_EDIT: OptionNames<TaskEdit> = { ...TASK_FIELDS, title: true, force: true };
export const NEXT: OptionNames<NextOptions> = {
  ttlMs: true,
  claimFiles: true,
  force: true,
  ignoreDependencies: true,
  waitMs: true,
  signal: true,
};
export const TASK_LIST: OptionNames<TaskListOptions> = { which: true, limit: true };
export const TAKE: OptionNames<TakeOptions> = {
  ttlMs: true,
  claimFiles: true,
  ignoreDependencies: true,
  force: true,
};
export const MOVE: OptionNames<MoveOptions> = { reason: true, force: true };

export const ACTIVITY: OptionNames<ActivityOptions> = { since: true, until: true, limit: true };
export const EVENTS: OptionNames<EventsOptions> = { signal: true, types: true, known: true };
