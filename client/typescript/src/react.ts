// Hooks for React.

import { createContext, createElement, useContext, useMemo, useSyncExternalStore, type ReactNode } from 'react';
import { liveCall, type LiveCall, type LiveCallState } from './live-call.js';
import type { Observable } from './observable.js';
import type { SessionState } from './session.js';
import type { ConnectionState } from './socket.js';
import type { Studio } from './studio.js';

const StudioContext = createContext<Studio | null>(null);

export function StudioProvider({ studio, children }: { studio: Studio; children?: ReactNode }): ReactNode {
  return createElement(StudioContext.Provider, { value: studio }, children);
}

export function useStudio(): Studio {
  const studio = useContext(StudioContext);
  if (!studio) throw new Error('There is no <StudioProvider> around this component.');
  return studio;
}

export function useObservable<Value>({ get, subscribe }: Observable<Value>): Value {
  return useSyncExternalStore(subscribe, get, get);
}

const NOTHING: Observable<null> = { get: () => null, subscribe: () => () => undefined };

/** The session; null while there is none, and for a client with an API key. */
export function useSession(): SessionState | null {
  return useObservable<SessionState | null>(useStudio().session?.state ?? NOTHING);
}

/** The state of the socket, for a notice that updates are late. */
export function useConnection(): ConnectionState {
  return useObservable(useStudio().connection);
}

/** A call with its transcript, also while its words are spoken, and what can be done to it. */
export function useLiveCall(callId: string): LiveCallState & Pick<LiveCall, 'send' | 'end'> {
  const studio = useStudio();
  const call = useMemo(() => liveCall(studio, callId), [studio, callId]);
  const state = useObservable(call);
  return useMemo(() => ({ ...state, send: call.send, end: call.end }), [state, call]);
}
