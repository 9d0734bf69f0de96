// Subscriptions: conversations, faults of the connection, and limits.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callEvents, createSession, createStudio, liveCall, memoryStore, RequestFailed, typed } from 'agent-studio-client';
import { WebSocket } from 'ws';
import { START, valueOf } from './operations.mjs';
import { startRelay } from './relay.mjs';

const { STUDIO_URL: url, STUDIO_KEY: apiKey, EMAIL: email, PASSWORD: password } = process.env;
const studio = createStudio({ url, apiKey, webSocket: WebSocket });
const SENTENCES = ['I need an appointment', 'tomorrow at ten'];

const start = async () => valueOf(await studio.mutate(START, { input: { workflow: { slug: 'clinic' } } })).call.id;

/** A caller who answers whenever the agent has finished, and hangs up in the end. */
async function converse(callId) {
  const call = liveCall(studio, callId);
  const sentences = [...SENTENCES];
  const events = [];
  for await (const event of callEvents(studio, callId)) {
    events.push(event);
    if (event.__typename !== 'AgentTurn' || event.more) continue;
    const text = sentences.shift();
    valueOf(text ? await call.send(text) : await call.end());
  }
  return events;
}

/** The numbers of all events of a call. */
async function numbers(client, callId) {
  const seqs = [];
  for await (const { seq } of callEvents(client, callId)) seqs.push(seq);
  return seqs;
}

const ended = start().then(async (callId) => ({ callId, events: await converse(callId) }));

test('a conversation is followed to its end', async () => {
  const { events } = await ended;
  const durable = events.filter(({ cursor }) => cursor);
  assert.deepEqual(durable.map(({ seq }) => seq), durable.map((_, index) => index + 1));
  assert.deepEqual(
    durable.filter(({ text }) => text).map(({ agent = 'caller', text }) => `${agent}: ${text}`),
    [
      'reception: Sunrise Clinic, hello.',
      'caller: I need an appointment',
      'reception: One moment.',
      'booking: Booking here. When suits you?',
      'caller: tomorrow at ten',
      'booking: You are booked for tomorrow at ten.',
    ],
  );
  assert.deepEqual([durable.at(-1).__typename, durable.at(-1).reason], ['CallEnded', 'HUNG_UP_BY_USER']);
});

test('each event comes once, whatever closes the connection', async () => {
  const { callId, events } = await ended;
  let refreshes = 0;
  const counting = (input, init) => {
    if (init.body.includes('RefreshSession')) refreshes += 1;
    return fetch(input, init);
  };
  const session = createSession({ url, store: memoryStore(), fetch: counting });
  valueOf(await session.signIn({ email, password }));
  const relay = await startRelay(url, [1011, 4401, 1006, 4403, 1013, 1012]);
  const followed = createStudio({ url, session, webSocket: relay.webSocket });
  const seen = [];
  for await (const event of callEvents(followed, callId)) seen.push(event);
  followed.close();
  relay.close();
  const durable = events.filter(({ cursor }) => cursor);
  assert.deepEqual(seen, durable);
  assert.deepEqual([relay.connections.count, refreshes], [7, 2]);
});

test('two subscriptions share one connection, and its loss', async () => {
  const { callId, events } = await ended;
  const relay = await startRelay(url, [1011]);
  const followed = createStudio({ url, apiKey, webSocket: relay.webSocket });
  const expected = events.filter(({ cursor }) => cursor).map(({ seq }) => seq);
  assert.deepEqual(await Promise.all([numbers(followed, callId), numbers(followed, callId)]), [expected, expected]);
  assert.equal(relay.connections.count, 2);
  followed.close();
  relay.close();
});

test('ninety subscriptions share two connections, because the API limits each', async () => {
  const { callId, events } = await ended;
  const relay = await startRelay(url, []);
  const followed = createStudio({ url, apiKey, webSocket: relay.webSocket });
  const expected = events.filter(({ cursor }) => cursor).map(({ seq }) => seq);
  const seen = await Promise.all(Array.from({ length: 90 }, () => numbers(followed, callId)));
  assert.deepEqual(seen, Array.from({ length: 90 }, () => expected));
  assert.equal(relay.connections.count, 2);
  followed.close();
  relay.close();
});

test('urql gets the same stream', async () => {
  const { callId, events } = await ended;
  const relay = await startRelay(url, [1011]);
  const followed = createStudio({ url, apiKey, webSocket: relay.webSocket });
  const query = `subscription ($callId: ID!, $after: Cursor) {
    callEvents(callId: $callId, after: $after) { ... on CallEvent { seq cursor } } }`;
  const seqs = [];
  await new Promise((complete, error) => {
    followed.forwardSubscription({ query, variables: { callId } }).subscribe({
      next: ({ data }) => seqs.push(data.callEvents.seq),
      error,
      complete,
    });
  });
  assert.deepEqual(seqs, events.filter(({ cursor }) => cursor).map(({ seq }) => seq));
  followed.close();
  relay.close();
});

test('a live list starts with a snapshot again', async () => {
  const relay = await startRelay(url, []);
  const followed = createStudio({ url, apiKey, webSocket: relay.webSocket });
  const calls = followed.subscribe(typed('subscription { calls { __typename } }'));
  assert.equal((await calls.next()).value.calls.__typename, 'CallListSnapshot');
  await calls.return();
  followed.close();
  relay.close();
});

test('an iteration ends when its caller gives up, with the reason of the signal', async () => {
  const callId = await start();
  const controller = new AbortController();
  const events = callEvents(studio, callId, { signal: controller.signal });
  await events.next();
  setTimeout(() => controller.abort(new Error('enough')), 20);
  await assert.rejects(async () => {
    for await (const _ of events);
  }, /^Error: enough$/);
});

test('an error that does not pass ends the iteration with its code', async () => {
  const codeOf = async (client, callId, after) => {
    try {
      for await (const _ of callEvents(client, callId, after ? { after } : {}));
      return 'COMPLETE';
    } catch (thrown) {
      assert.equal(thrown instanceof RequestFailed, true);
      return thrown.error.code;
    } finally {
      if (client !== studio) client.close();
    }
  };
  const { callId } = await ended;
  const session = createSession({ url, store: memoryStore() });
  const clients = {
    UNAUTHENTICATED: createStudio({ url, apiKey: 'as_test_wrong', webSocket: WebSocket }),
    SIGNED_OUT: createStudio({ url, session, webSocket: WebSocket }),
    DISCONNECTED: createStudio({ url: 'http://127.0.0.1:9', apiKey, webSocket: WebSocket, reconnectForMs: 300 }),
  };
  for (const [code, client] of Object.entries(clients)) assert.equal(await codeOf(client, callId), code);
  assert.equal(await codeOf(studio, callId, 'invented'), 'INVALID_CURSOR');
  assert.equal(await codeOf(studio, 'Q2FsbDow'), 'NOT_FOUND');
});

test('a live call has the transcript, the tools and the end', async () => {
  const { callId, events } = await ended;
  const call = liveCall(studio, callId);
  const state = await new Promise((resolve) => {
    const unsubscribe = call.subscribe(() => {
      if (call.get().status !== 'COMPLETE') return;
      unsubscribe();
      resolve(call.get());
    });
  });
  assert.deepEqual(
    state.turns.map(({ speaker, agent, text, partial }) => [speaker, agent, text, partial]),
    [
      ['AGENT', 'reception', 'Sunrise Clinic, hello.', false],
      ['CALLER', null, 'I need an appointment', false],
      ['AGENT', 'reception', 'One moment.', false],
      ['AGENT', 'booking', 'Booking here. When suits you?', false],
      ['CALLER', null, 'tomorrow at ten', false],
      ['AGENT', 'booking', 'You are booked for tomorrow at ten.', false],
    ],
  );
  assert.deepEqual([state.state, state.node, state.ended.reason], ['COMPLETED', 'booking', 'HUNG_UP_BY_USER']);
  assert.deepEqual(
    state.tools.map(({ tool, outcome, result }) => [tool, outcome, result]),
    [['book_appointment', 'SUCCEEDED', 'Booked for tomorrow at ten.']],
  );
  assert.deepEqual(Object.fromEntries(state.context), { 'workflow.slot': 'tomorrow at ten', 'flags.booked': true });
  assert.equal(state.turns.at(-1).measured !== null, true);
  assert.equal(state.events.length, events.filter(({ cursor }) => cursor).length);
});

test.after(() => studio.close());
