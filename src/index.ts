export type { ActivityEntry, ActivityEvent, EntryOf } from "./activity/entry.ts";
export type { Agent, Hears, Presence, Teller } from "./agents/agent.ts";
export type { Hearing } from "./agents/hearing.ts";
export type { AgentView } from "./agents/registry.ts";
export type { AppendOptions, AppendResult } from "./claims/append.ts";
export type { Claim, ClaimMode, ClaimTarget, WaitEdge, Waiter } from "./claims/claim.ts";
export type {
  ClaimCheck,
  ClaimOptions,
  ReleaseOptions,
  RenewOptions,
  WaitingClaimOptions,
} from "./claims/claims.ts";
export type { ClaimLedger } from "./claims/rules.ts";
export type { Limits, LoopLimits, MessageLimits, RegisterOptions, RelayOptions, Thresholds } from "./context.ts";
export type { Decision } from "./decisions/decision.ts";
export { type ErrorBlocker, type ErrorCode, type ErrorDetails, RelayError } from "./errors.ts";
export type { Proof, SshProof } from "./identity/proof.ts";
export type { HistoryOptions, MessageList } from "./messages/history.ts";
export type { Inbox, InboxOptions, UnreadOptions } from "./messages/inbox.ts";
export type { Message, MessageKind, PermissionVerdict, Receipt } from "./messages/message.ts";
export type { InboxItem } from "./messages/message-state.ts";
export type { Recipient, SendOptions, Sent } from "./messages/send.ts";
export type { SendItem } from "./messages/send-many.ts";
export type { WatchOptions } from "./messages/watch.ts";
export type { OpenOptions } from "./open/open.ts";
export type { Activity, NoteOptions } from "./relay/activity.ts";
export type { Admin } from "./relay/admin.ts";
export type { AgentListOptions, Agents } from "./relay/agents.ts";
export type { Claims } from "./relay/claims.ts";
export type { Decisions } from "./relay/decisions.ts";
export type { Messages } from "./relay/messages.ts";
export type { Tasks } from "./relay/tasks.ts";
export type { Waits } from "./relay/waits.ts";
export { type HeldClaim, Relay } from "./relay.ts";
export { FileStore, type FileStoreOptions } from "./store/file/file-store.ts";
export { MemoryStore } from "./store/memory.ts";
export type { Notice, Store } from "./store/store.ts";
export type { TaskEdit } from "./tasks/edit.ts";
export type { EndedTask, TaskList, TaskListOptions } from "./tasks/lifecycle.ts";
export type { NextOptions } from "./tasks/next.ts";
export type { Standings } from "./tasks/standings.ts";
export type { TakeOptions } from "./tasks/take.ts";
export type { Task, TaskNote, TaskOwner, TaskState } from "./tasks/task.ts";
export type { MoveOptions, TaskFields } from "./tasks/update.ts";
export type { When } from "./time.ts";
export type { Dump } from "./upkeep/dump.ts";
export type { RemovedThing, Retention } from "./upkeep/gc.ts";
export type { ActivityList, ActivityOptions, EventsOptions } from "./views/activity.ts";
export type { Explanation } from "./views/explain.ts";
export type { PastState } from "./views/past-state.ts";
export type { Snapshot } from "./views/snapshot.ts";
export type { Condition, Wait, WaitFor } from "./waits/wait.ts";
export type { WaitOptions, WaitResult } from "./waits/waiting.ts";
