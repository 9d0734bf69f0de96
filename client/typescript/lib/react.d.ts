import { type ReactNode } from 'react';
import { type LiveCall, type LiveCallState } from './live-call.js';
import type { Observable } from './observable.js';
import type { SessionState } from './session.js';
import type { ConnectionState } from './socket.js';
import type { Studio } from './studio.js';
export declare function StudioProvider({ studio, children }: {
    studio: Studio;
    children?: ReactNode;
}): ReactNode;
export declare function useStudio(): Studio;
export declare function useObservable<Value>({ get, subscribe }: Observable<Value>): Value;
/** The session; null while there is none, and for a client with an API key. */
export declare function useSession(): SessionState | null;
/** The state of the socket, for a notice that updates are late. */
export declare function useConnection(): ConnectionState;
/** A call with its transcript, also while its words are spoken, and what can be done to it. */
export declare function useLiveCall(callId: string): LiveCallState & Pick<LiveCall, 'send' | 'end'>;
