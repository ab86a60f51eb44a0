// What one needs to write a store of one's own: `agent-relay/store`.

export { type ErrorCode, type ErrorDetails, RelayError } from "./errors.ts";
export { checkKey, isSegment } from "./store/key.ts";
export {
  type Delivery,
  folderOf,
  type Hint,
  inboxFull,
  inRange,
  type ListRange,
  type Notice,
  nameOf,
  type Published,
  type PutBack,
  type RecordUpdate,
  type RegistrationFolder,
  type SetAside,
  type Store,
  type StoreServer,
  type Value,
  type WriteOptions,
} from "./store/store.ts";
