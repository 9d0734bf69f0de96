// What is known of a call after some of its events.

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
export class CallRecord {
  readonly #keepEvents: number;
  #state: CallState | null = null;
  #node: string | null = null;
  #agent: string | null = null;
  #turns: Turn[] = [];
  #partials = new Map<Speaker, CallEventOf<'PartialTranscript'>>();
  #complete = new Set<string>();
  #tools = new Map<string, ToolCall>();
  #context = new Map<string, unknown>();
  #events: CallEvent[] = [];
  #ended: CallEventOf<'CallEnded'> | null = null;

  constructor(keepEvents: number) {
    this.#keepEvents = keepEvents;
  }

  snapshot(): CallSnapshot {
    return {
      state: this.#state,
      node: this.#node,
      agent: this.#agent,
      turns: [...this.#turns, ...[...this.#partials.values()].map((partial) => this.#partialTurn(partial))],
      tools: [...this.#tools.values()],
      context: new Map(this.#context),
      events: this.#events.slice(-this.#keepEvents),
      ended: this.#ended,
    };
  }

  add(update: CallUpdate): void {
    if (update.__typename === 'PartialTranscript') return this.#addPartial(update);
    this.#events.push(update);
    // Dropped in large steps, so that each event costs the same.
    if (this.#events.length > 2 * this.#keepEvents) this.#events = this.#events.slice(-this.#keepEvents);
    this.#apply(update);
  }

  #apply(event: CallEvent): void {
    switch (event.__typename) {
      case 'StateChanged':
        this.#state = event.state;
        break;
      case 'NodeEntered':
        this.#node = event.node;
        this.#agent = event.agent;
        break;
      case 'UserTurn':
      case 'AgentTurn':
        this.#addTurn(event);
        break;
      case 'TurnMeasured':
        this.#measure(event);
        break;
      case 'ToolStarted':
      case 'ToolFinished':
        this.#addTool(event);
        break;
      case 'ContextChanged':
        if (event.removed) this.#context.delete(event.path);
        else this.#context.set(event.path, event.value);
        break;
      case 'CallEnded':
        this.#state = event.state;
        this.#ended = event;
        this.#partials.clear();
        break;
    }
  }

  #addPartial(partial: CallEventOf<'PartialTranscript'>): void {
    const shown = this.#partials.get(partial.speaker);
    // Partial words are not ordered: late ones of a complete turn and of an earlier revision do not count.
    const isLate = this.#complete.has(partial.turnId) || (shown?.turnId === partial.turnId && shown.rev >= partial.rev);
    if (this.#ended || isLate) return;
    if (partial.text) this.#partials.set(partial.speaker, partial);
    else this.#partials.delete(partial.speaker);
  }

  #addTurn(event: CallEventOf<'UserTurn'> | CallEventOf<'AgentTurn'>): void {
    const speaker = event.__typename === 'UserTurn' ? 'CALLER' : 'AGENT';
    this.#complete.add(event.turnId);
    this.#partials.delete(speaker);
    const { turnId, text, at } = event;
    const spoken = event.__typename === 'AgentTurn' ? event : null;
    this.#turns.push({
      turnId,
      speaker,
      agent: spoken?.agent ?? null,
      text,
      heardText: spoken?.heardText ?? null,
      interrupted: spoken?.interrupted ?? false,
      partial: false,
      at,
      measured: null,
    });
  }

  #measure(event: CallEventOf<'TurnMeasured'>): void {
    const index = this.#turns.findLastIndex(({ speaker }) => speaker === 'AGENT');
    const turn = this.#turns[index];
    if (turn) this.#turns[index] = { ...turn, measured: event };
  }

  #addTool(event: CallEventOf<'ToolStarted'> | CallEventOf<'ToolFinished'>): void {
    const { toolCallId, tool, node, at } = event;
    const finished = event.__typename === 'ToolFinished' ? event : null;
    this.#tools.set(toolCallId, {
      toolCallId,
      tool,
      node,
      arguments: event.arguments,
      outcome: finished?.outcome ?? null,
      result: finished?.result ?? null,
      startedAt: this.#tools.get(toolCallId)?.startedAt ?? at,
      duration: finished?.duration ?? null,
    });
  }

  #partialTurn({ turnId, speaker, text }: CallEventOf<'PartialTranscript'>): Turn {
    const agent = speaker === 'AGENT' ? this.#agent : null;
    return { turnId, speaker, agent, text, heardText: null, interrupted: false, partial: true, at: null, measured: null };
  }
}
