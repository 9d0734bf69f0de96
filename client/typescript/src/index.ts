export { callEvents, type CallEvent, type CallEventOf, type CallEventsOptions, type CallUpdate } from './call-events.js';
export type { CallSnapshot, ToolCall, Turn } from './call-state.js';
export { typed, type ErrorOf, type SuccessOf, type TypedDocument } from './documents.js';
export type * as schema from './generated/graphql.js';
export type { Fetch, RequestOptions } from './http.js';
export { newKey } from './identifiers.js';
export { liveCall, type LiveCall, type LiveCallOptions, type LiveCallState } from './live-call.js';
export type { Observable } from './observable.js';
export { nodes, pages, type Connection, type PagesOptions } from './pages.js';
export {
  RequestFailed,
  type ClientErrorCode,
  type Extensions,
  type Failure,
  type RequestError,
  type ResponseError,
  type Result,
  type Success,
  type TypedError,
} from './results.js';
export {
  createSession,
  type Credentials,
  type Session,
  type SessionOptions,
  type SessionState,
  type SignedIn,
  type SignedOut,
  type SignInError,
  type SignInOption,
} from './session.js';
export type { ConnectionState } from './socket.js';
export { createStudio, type Studio, type StudioOptions, type SubscribeOptions } from './studio.js';
export { browserStore, memoryStore, type BrowserStoreOptions, type Tokens, type TokenStore } from './tokens.js';
