// The text/event-stream of a response.

export interface ServerSentEvent {
  /** Empty without one. */
  readonly id: string;
  readonly data: string;
}

export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      // An event that was cut off is sent again.
      if (done) return;
      const parts = (rest + decoder.decode(value, { stream: true })).split('\n\n');
      rest = parts.pop() ?? '';
      yield* parts.map(eventOf).filter(({ data }) => data);
    }
  } finally {
    // It rejects if the connection was lost.
    void reader.cancel().catch(() => undefined);
  }
}

function eventOf(part: string): ServerSentEvent {
  const lines = part.split('\n');
  const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? '';
  return { id: field('id'), data: field('data') };
}
