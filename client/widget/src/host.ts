// The endpoint on the server of the page, which `createCallHandler` of agent-studio-client/server answers.

import { backoff, pause } from '../../typescript/src/deadlines.js';
import { newKey } from '../../typescript/src/identifiers.js';
import { readEvents } from './server-sent-events.js';

export interface JoinTicket {
  readonly url: string;
  readonly token: string;
}

export type Update =
  | { readonly __typename: 'PartialTranscript'; readonly turnId: string; readonly speaker: string; readonly text: string }
  | { readonly __typename: 'UserTurn'; readonly turnId: string; readonly text: string }
  | { readonly __typename: 'AgentTurn'; readonly turnId: string; readonly agent: string; readonly text: string }
  | { readonly __typename: 'CallEnded' }
  | { readonly __typename: 'Failed' };

interface Listener {
  update(update: Update): void;
  lost(): void;
  back(): void;
}

const TIMEOUT_MS = 30_000;

export async function startVoice(endpoint: string, key: string): Promise<JoinTicket> {
  const { join } = await post<{ join: JoinTicket }>(endpoint, { kind: 'VOIP', key });
  return join;
}

/** Returns the ticket of the call. */
export async function startText(endpoint: string, key: string): Promise<string> {
  const { call } = await post<{ call: string }>(endpoint, { kind: 'TEXT', key });
  return call;
}

/** The same key does not say the text twice. */
export const say = (endpoint: string, call: string, text: string, key: string): Promise<unknown> =>
  post(endpoint, { call, text, key });

export const endText = (endpoint: string, call: string): Promise<unknown> =>
  post(endpoint, { call, key: newKey() });

/** Follow a text call. After a lost connection it connects again, and continues after the last event. */
export function followText(endpoint: string, call: string, listener: Listener): () => void {
  const controller = new AbortController();
  const url = new URL(endpoint, document.baseURI);
  url.searchParams.set('call', call);
  void follow(url, listener, controller.signal);
  return () => controller.abort();
}

// An EventSource gives up after one response of a proxy such as 502, and does not say which it was.
async function follow(url: URL, listener: Listener, signal: AbortSignal): Promise<void> {
  let lastId = '';
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    try {
      const response = await fetch(url, { headers: lastId ? { 'last-event-id': lastId } : {}, cache: 'no-store', signal });
      if (isFinal(response.status)) return listener.update({ __typename: 'Failed' });
      if (response.ok && response.body) {
        listener.back();
        for await (const { id, data } of readEvents(response.body)) {
          if (signal.aborted) return;
          attempt = 0;
          lastId = id || lastId;
          listener.update(JSON.parse(data) as Update);
        }
      }
    } catch {
      // The connection was lost, or the call was left.
    }
    if (signal.aborted) return;
    listener.lost();
    await pause(backoff(attempt));
  }
}

/** Whether the server of the page would give the same response again. */
const isFinal = (status: number): boolean => status >= 400 && status < 500 && status !== 408 && status !== 429;

async function post<Answer>(endpoint: string, body: object): Promise<Answer> {
  const response = await fetch(new URL(endpoint, document.baseURI), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`The server of the page responded with ${response.status}.`);
  return (await response.json()) as Answer;
}
