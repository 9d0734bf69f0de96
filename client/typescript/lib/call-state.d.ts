import type { CallEvent, CallEventOf, CallUpdate } from './call-events.js';
import type { CallState, Speaker, ToolOutcome } from './generated/graphql.js';
export interface Turn {
    readonly turnId: string;
    readonly speaker: Speaker;
    /** The agent that speaks; null for the caller, and for an agent whose turn is partial and unknown. */
    readonly agent: string | null;
    readonly text: string;
    /** What the caller heard of it; null while the turn is partial, and for the caller. */
    readonly heardText: string | null;
    readonly interrupted: boolean;
    /** Words while they are spoken; the complete turn replaces them. */
    readonly partial: boolean;
    readonly at: string | null;
    /** How long the reply took. */
    readonly measured: CallEventOf<'TurnMeasured'> | null;
}
export interface ToolCall {
    readonly toolCallId: string;
    readonly tool: string;
    readonly node: string;
    readonly arguments: unknown;
    /** Null while the tool runs. */
    readonly outcome: ToolOutcome | null;
    readonly result: unknown;
    readonly startedAt: string;
    readonly duration: string | null;
}
export interface CallSnapshot {
    readonly state: CallState | null;
    readonly node: string | null;
    readonly agent: string | null;
    /** Complete turns in order, and after them at most one partial turn of each speaker. */
    readonly turns: readonly Turn[];
    readonly tools: readonly ToolCall[];
    readonly context: ReadonlyMap<string, unknown>;
    /** The newest durable events, oldest first. */
    readonly events: readonly CallEvent[];
    readonly ended: CallEventOf<'CallEnded'> | null;
}
/** Collects the events of a call. `snapshot()` copies, so call it when something is to be shown. */
export declare class CallRecord {
    #private;
    constructor(keepEvents: number);
    snapshot(): CallSnapshot;
    add(update: CallUpdate): void;
}
