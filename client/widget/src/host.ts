// The endpoint on the server of the page, which `createCallHandler` of agent-studio-client/server answers.

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
  post(endpoint, { call, key: crypto.randomUUID() });

/** Follow a text call. The browser connects again by itself, and continues after the last event. */
export function followText(
  endpoint: string,
  call: string,
  listener: { update(update: Update): void; lost(): void; back(): void },
): () => void {
  const url = new URL(endpoint, document.baseURI);
  url.searchParams.set('call', call);
  const source = new EventSource(url);
  source.onopen = () => listener.back();
  source.onmessage = ({ data }: MessageEvent<string>) => listener.update(JSON.parse(data) as Update);
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) listener.update({ __typename: 'Failed' });
    else listener.lost();
  };
  return () => source.close();
}

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
