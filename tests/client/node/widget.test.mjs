// The stream of a text call in the widget, from a server that fails as a proxy does.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { build } from 'esbuild';

const options = { entryPoints: [process.env.WIDGET_HOST], bundle: true, write: false, format: 'esm' };
const [bundle] = (await build(options)).outputFiles;
const { followText } = await import(`data:text/javascript,${encodeURIComponent(bundle.text)}`);

const STREAM = { 'content-type': 'text/event-stream' };
const turn = (number) => ({ __typename: 'AgentTurn', turnId: String(number), agent: 'reception', text: `sentence ${number}` });
const ENDED = { __typename: 'CallEnded' };
const event = (id, update) => `id: ${id}\ndata: ${JSON.stringify(update)}\n\n`;
const refuse = (status) => (outgoing) => outgoing.writeHead(status).end('no');

/** What the widget shows until a call has ended or failed, and the events after which it asked to continue. */
async function follow(...answers) {
  const lastIds = [];
  const server = createServer((incoming, outgoing) => {
    lastIds.push(incoming.headers['last-event-id'] ?? null);
    answers.shift()(outgoing);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  globalThis.document = { baseURI: `http://127.0.0.1:${server.address().port}` };
  const shown = [];
  await new Promise((resolve) => {
    const stop = followText('/call', 'a ticket', {
      lost: () => shown.push('lost'),
      back: () => shown.push('back'),
      update: (update) => {
        shown.push(update);
        if (!['CallEnded', 'Failed'].includes(update.__typename)) return;
        stop();
        resolve();
      },
    });
  });
  server.closeAllConnections();
  server.close();
  return { shown, lastIds };
}

test('a stream outlives a proxy that cannot reach its server', async () => {
  const cutOff = (outgoing) => {
    const part = event(2, turn(2)).slice(0, 30);
    outgoing.writeHead(200, STREAM).write(`: connected\n\n${event(1, turn(1))}${part}`, () => outgoing.destroy());
  };
  const rest = (outgoing) => outgoing.writeHead(200, STREAM).write(event(2, turn(2)) + event(3, ENDED));
  assert.deepEqual(await follow(refuse(502), cutOff, refuse(503), refuse(429), rest), {
    shown: ['lost', 'back', turn(1), 'lost', 'lost', 'lost', 'back', turn(2), ENDED],
    lastIds: [null, null, '1', '1', '1'],
  });
});

test('a ticket that has expired ends the call', async () => {
  assert.deepEqual(await follow(refuse(410)), { shown: [{ __typename: 'Failed' }], lastIds: [null] });
});
