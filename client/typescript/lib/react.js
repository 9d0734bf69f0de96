// Hooks for React.
import { createContext, createElement, useContext, useMemo, useSyncExternalStore } from 'react';
import { liveCall } from './live-call.js';
const StudioContext = createContext(null);
export function StudioProvider({ studio, children }) {
    return createElement(StudioContext.Provider, { value: studio }, children);
}
export function useStudio() {
    const studio = useContext(StudioContext);
    if (!studio)
        throw new Error('There is no <StudioProvider> around this component.');
    return studio;
}
export function useObservable({ get, subscribe }) {
    return useSyncExternalStore(subscribe, get, get);
}
const NOTHING = { get: () => null, subscribe: () => () => undefined };
/** The session; null while there is none, and for a client with an API key. */
export function useSession() {
    return useObservable(useStudio().session?.state ?? NOTHING);
}
/** The state of the socket, for a notice that updates are late. */
export function useConnection() {
    return useObservable(useStudio().connection);
}
/** A call with its transcript, also while its words are spoken, and what can be done to it. */
export function useLiveCall(callId) {
    const studio = useStudio();
    const call = useMemo(() => liveCall(studio, callId), [studio, callId]);
    const state = useObservable(call);
    return useMemo(() => ({ ...state, send: call.send, end: call.end }), [state, call]);
}
