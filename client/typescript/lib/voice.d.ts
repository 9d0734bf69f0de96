import { type LocalAudioTrack } from 'livekit-client';
import { type Observable } from './observable.js';
/** `join` of `startCall` and of `joinCall`. */
export interface JoinTicket {
    readonly url: string;
    readonly token: string;
}
export interface VoiceOptions {
    readonly signal?: AbortSignal;
    /** For the permission to use the microphone and for the connection together. */
    readonly timeoutMs?: number;
    /** Where the audio elements of the agent are added; the body if omitted. */
    readonly container?: Node;
}
export type VoiceState = 'CONNECTED' | 'RECONNECTING' | 'ENDED';
export interface VoiceRoom {
    readonly state: Observable<VoiceState>;
    /** False until the browser allows sound: call `startSound` when the user clicks. */
    readonly hasSound: Observable<boolean>;
    readonly isMuted: Observable<boolean>;
    startSound(): Promise<void>;
    setMuted(muted: boolean): Promise<void>;
    leave(): Promise<void>;
}
/** Why a voice call cannot begin. */
export declare class VoiceFailed extends Error {
    readonly name = "VoiceFailed";
    readonly code: 'MICROPHONE' | 'ROOM';
    constructor(code: 'MICROPHONE' | 'ROOM', cause: unknown);
}
/** Ask for the microphone. Do this before a call is started, because the user may refuse. */
export declare function microphone(options?: VoiceOptions): Promise<LocalAudioTrack>;
/** Join the room of a call, with a track of `microphone()` or with a new one. */
export declare function joinVoice(ticket: JoinTicket, options?: VoiceOptions & {
    readonly track?: LocalAudioTrack;
}): Promise<VoiceRoom>;
