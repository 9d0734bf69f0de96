// The handler on the server of a page, without the page.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createStudio } from 'agent-studio-client';
import { createCallHandler } from 'agent-studio-client/server';
import { WebSocket } from 'ws';

const { STUDIO_URL: url, STUDIO_KEY: apiKey } = process.env;
const studio = createStudio({ url, apiKey, webSocket: WebSocket });
after(() => studio.close());

const options = { studio, workflow: 'clinic', kinds: ['TEXT'], secret: 'for-tests-only-'.repeat(3) };
const PAGE = 'https://page.example/call';
const post = (body) =>
  new Request(PAGE, { method: 'POST', headers: { 'content-type': 'application/json' }, body, duplex: 'half' });
const get = (ticket) => new Request(`${PAGE}?call=${encodeURIComponent(ticket)}`);
const START = JSON.stringify({ kind: 'TEXT', key: 'a key of one call' });

async function refusalOf(response) {
  return [response.status, (await response.json()).code];
}

test('a ticket opens its call until it expires', async () => {
  const handle = createCallHandler(options);
  const { call } = await (await handle(post(START))).json();
  const stream = await handle(get(call));
  assert.deepEqual([stream.status, stream.headers.get('content-type')], [200, 'text/event-stream']);
  await stream.body.cancel();
  const [callId, expiry, signature] = call.split('.');
  const later = `${callId}.${Number(expiry) + 1}.${signature}`;
  for (const forged of [later, `${callId}.${signature}`, callId, '']) {
    assert.deepEqual(await refusalOf(await handle(get(forged))), [404, 'NOT_FOUND']);
  }
  const brief = createCallHandler({ ...options, ticketSeconds: 0 });
  const { call: expired } = await (await brief(post(START))).json();
  assert.deepEqual(await refusalOf(await handle(get(expired))), [410, 'TICKET_EXPIRED']);
  const message = JSON.stringify({ call: expired, text: 'hello', key: 'a key of one message' });
  assert.deepEqual(await refusalOf(await handle(post(message))), [410, 'TICKET_EXPIRED']);
});

test('a body without an announced length is read up to the limit', async () => {
  let chunks = 0;
  const endless = new ReadableStream({
    pull: (sink) => {
      chunks += 1;
      sink.enqueue(new Uint8Array(1_024).fill(32));
    },
  });
  assert.deepEqual(await refusalOf(await createCallHandler(options)(post(endless))), [400, 'BAD_REQUEST']);
  assert.equal(chunks < 32, true);
});
