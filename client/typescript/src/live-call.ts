// One call, live or afterwards, as a value that changes.

import { callEvents } from './call-events.js';
import { CallRecord, type CallSnapshot } from './call-state.js';
import {
  EndCallDocument,
  SendMessageDocument,
  type EndCallMutation,
  type SendMessageMutation,
} from './generated/graphql.js';
import type { ErrorOf, SuccessOf } from './documents.js';
import { newKey } from './identifiers.js';
import { Variable, type Observable } from './observable.js';
import { clientError, RequestFailed, type RequestError, type Result } from './results.js';
import type { Studio } from './studio.js';

export interface LiveCallState extends CallSnapshot {
  readonly status: 'CONNECTING' | 'LIVE' | 'RECONNECTING' | 'COMPLETE' | 'FAILED';
  /** Why the status is `FAILED`. */
  readonly error: RequestError | null;
}

export interface LiveCall extends Observable<LiveCallState> {
  /** Say the caller's next words in a text call. */
  send(text: string): Promise<Result<SuccessOf<SendMessageMutation>, ErrorOf<SendMessageMutation> | RequestError>>;
  /** End the call as its caller does. */
  end(): Promise<Result<SuccessOf<EndCallMutation>, ErrorOf<EndCallMutation> | RequestError>>;
}

export interface LiveCallOptions {
  /** How many durable events the state holds at most. */
  readonly keepEvents?: number;
}

const KEEP_EVENTS = 20_000;
/** Changes are shown at most twelve times a second. */
const SHOW_EVERY_MS = 80;
/** As many events within `SHOW_EVERY_MS` mean that an existing log is being read. Showing every part of it would take longer
 * than reading it. */
const BACKLOG_EVENTS = 100;
/** How many times in a row showing a backlog is postponed. */
const MAX_POSTPONED = 5;
/** After the last subscriber left: a page that is drawn again subscribes again at once. */
const LINGER_MS = 1_000;

export function liveCall(studio: Studio, callId: string, options: LiveCallOptions = {}): LiveCall {
  return new FollowedCall(studio, callId, options.keepEvents ?? KEEP_EVENTS);
}

class FollowedCall implements LiveCall {
  readonly #studio: Studio;
  readonly #callId: string;
  readonly #keepEvents: number;
  readonly #shown: Variable<LiveCallState>;
  #record: CallRecord;
  #after: string | undefined;
  #status: LiveCallState['status'] = 'CONNECTING';
  #error: RequestError | null = null;
  #subscribers = 0;
  #running: AbortController | null = null;
  #showTimer: ReturnType<typeof setTimeout> | undefined;
  /** The events since changes were last shown or postponed. */
  #arrived = 0;
  /** How many times showing was postponed in a row. The initial value shows the first part of a log at once. */
  #postponed = MAX_POSTPONED;
  #lingerTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(studio: Studio, callId: string, keepEvents: number) {
    this.#studio = studio;
    this.#callId = callId;
    this.#keepEvents = keepEvents;
    this.#record = new CallRecord(keepEvents);
    this.#shown = new Variable(this.#snapshot());
  }

  readonly get = (): LiveCallState => this.#shown.get();

  readonly subscribe = (listener: () => void): (() => void) => {
    const unsubscribe = this.#shown.subscribe(listener);
    clearTimeout(this.#lingerTimer);
    this.#subscribers += 1;
    if (!this.#running && this.#status !== 'COMPLETE') void this.#run();
    return () => {
      unsubscribe();
      this.#subscribers -= 1;
      if (this.#subscribers === 0) this.#lingerTimer = setTimeout(() => this.#stop(), LINGER_MS);
    };
  };

  readonly send: LiveCall['send'] = (text) =>
    this.#studio.mutate(SendMessageDocument, {
      input: { callId: this.#callId, text, idempotencyKey: newKey() },
    });

  readonly end: LiveCall['end'] = () =>
    this.#studio.mutate(EndCallDocument, { input: { callId: this.#callId, byCaller: true } });

  #stop(): void {
    this.#running?.abort();
    this.#running = null;
  }

  async #run(): Promise<void> {
    const running = (this.#running = new AbortController());
    if (this.#status === 'FAILED') this.#status = 'CONNECTING';
    this.#error = null;
    const { connection } = this.#studio;
    const unwatch = connection.subscribe(() => {
      const now = connection.get();
      if (now === 'RECONNECTING' && this.#status === 'LIVE') this.#become('RECONNECTING');
      if (now === 'CONNECTED' && this.#status === 'RECONNECTING') this.#become('LIVE');
    });
    try {
      await this.#follow(running.signal);
      this.#become('COMPLETE');
    } catch (error) {
      if (running.signal.aborted) return;
      this.#error = failureOf(error);
      this.#become('FAILED');
    } finally {
      unwatch();
      if (this.#running === running) this.#running = null;
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const after = this.#after;
    try {
      for await (const update of callEvents(this.#studio, this.#callId, after ? { after, signal } : { signal })) {
        this.#record.add(update);
        this.#arrived += 1;
        if ('cursor' in update) this.#after = update.cursor;
        this.#become('LIVE');
      }
    } catch (error) {
      if (!(error instanceof RequestFailed) || error.error.code !== 'CURSOR_EXPIRED') throw error;
      // The database was restored to an earlier moment, so what is known may not have happened.
      this.#record = new CallRecord(this.#keepEvents);
      this.#after = undefined;
      await this.#follow(signal);
    }
  }

  #become(status: LiveCallState['status']): void {
    this.#status = status;
    if (status === 'COMPLETE' || status === 'FAILED') return this.#show();
    this.#showTimer ??= setTimeout(this.#showOrPostpone, SHOW_EVERY_MS);
  }

  readonly #showOrPostpone = (): void => {
    if (this.#arrived < BACKLOG_EVENTS || this.#postponed >= MAX_POSTPONED) return this.#show();
    this.#arrived = 0;
    this.#postponed += 1;
    this.#showTimer = setTimeout(this.#showOrPostpone, SHOW_EVERY_MS);
  };

  #show(): void {
    clearTimeout(this.#showTimer);
    this.#showTimer = undefined;
    this.#arrived = this.#postponed = 0;
    this.#shown.set(this.#snapshot());
  }

  #snapshot(): LiveCallState {
    return { ...this.#record.snapshot(), status: this.#status, error: this.#error };
  }
}

function failureOf(error: unknown): RequestError {
  if (error instanceof RequestFailed) return error.error;
  if (error instanceof DOMException) return clientError('DISCONNECTED', error.message);
  throw error;
}
