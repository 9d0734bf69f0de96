// Queries, mutations and pages.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { createStudio, nodes, pages, RequestFailed, typed } from 'agent-studio-client';
import { AGENTS, CREATE_AGENT, START, valueOf, VIEWER } from './operations.mjs';

const { STUDIO_URL: url, STUDIO_KEY: apiKey } = process.env;
const studio = createStudio({ url, apiKey });

/** A server that answers what a test wants, or never. */
async function answering(answer) {
  const server = createServer((_, response) => answer?.(response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return createStudio({ url: `http://127.0.0.1:${server.address().port}`, apiKey });
}

test('a mutation returns its success', async () => {
  const result = await studio.mutate(START, { input: { workflow: { slug: 'clinic' } } });
  assert.equal(result.ok, true);
  assert.equal(result.value.__typename, 'StartCallSuccess');
  assert.equal(result.extensions.cost.requested > 0, true);
});

test('a mutation returns the error of its union', async () => {
  const result = await studio.mutate(START, { input: { workflow: { slug: 'none' } } });
  assert.deepEqual(result, {
    ok: false,
    error: {
      __typename: 'WorkflowNotFound',
      code: 'WORKFLOW_NOT_FOUND',
      message: 'There is no such workflow.',
      path: ['input', 'workflow'],
    },
  });
});

test('a query returns unions as they are', async () => {
  const data = valueOf(await studio.query(START, { input: { workflow: { slug: 'none' } } }));
  assert.equal(data.startCall.code, 'WORKFLOW_NOT_FOUND');
});

test('an error of the request is a value as well', async () => {
  const { ok, error } = await studio.query(typed('{ viewer { nickname } }'));
  assert.equal(ok, false);
  assert.deepEqual(
    [error.__typename, error.code, error.message, error.docs],
    [
      'RequestError',
      'GRAPHQL_VALIDATION_FAILED',
      "Cannot query field 'nickname' on type 'Viewer'.",
      '/docs/api#graphql_validation_failed',
    ],
  );
  const refused = await createStudio({ url, apiKey: 'as_test_wrong' }).query(VIEWER);
  assert.deepEqual([refused.ok, refused.error.code], [false, 'UNAUTHENTICATED']);
});

test('what is no response of the API is an error with a code of the client', async () => {
  const codes = [];
  for (const { client, timeoutMs } of [
    { client: createStudio({ url: 'http://127.0.0.1:9', apiKey }) },
    { client: await answering(), timeoutMs: 50 },
    { client: await answering((response) => response.writeHead(502).end('<html>')) },
    { client: await answering((response) => response.end('{"some": "JSON"}')) },
  ]) {
    const result = await client.query(VIEWER, {}, timeoutMs ? { timeoutMs } : {});
    codes.push(result.ok ? 'OK' : result.error.code);
  }
  assert.deepEqual(codes, ['UNREACHABLE', 'TIMEOUT', 'BAD_RESPONSE', 'BAD_RESPONSE']);
});

test('a request of a caller who gave up rejects with their reason', async () => {
  const silent = await answering();
  const controller = new AbortController();
  const waiting = silent.query(VIEWER, {}, { signal: controller.signal });
  controller.abort(new Error('enough'));
  await assert.rejects(waiting, /^Error: enough$/);
  await assert.rejects(studio.query(VIEWER, {}, { signal: controller.signal }), /^Error: enough$/);
});

test('pages lead through a list in both directions', async () => {
  for (const name of ['north', 'south', 'west']) {
    valueOf(await studio.mutate(CREATE_AGENT, { input: { name, prompt: { system: 'You answer.' } } }));
  }
  const select = (data) => data.agents;
  const forward = [];
  for await (const page of pages(studio, AGENTS, {}, { select, pageSize: 2 })) {
    forward.push(page.edges.map(({ node }) => node.name));
  }
  const backward = [];
  for await (const { name } of nodes(studio, AGENTS, {}, { select, pageSize: 2, direction: 'backward' })) {
    backward.push(name);
  }
  assert.deepEqual(forward.map((names) => names.length), [2, 2, 1]);
  assert.deepEqual([...forward.flat()].sort(), ['booking', 'north', 'reception', 'south', 'west']);
  assert.deepEqual(backward, forward.flat().reverse());
});

test('a page that cannot be read ends the iteration with its error', async () => {
  const select = (data) => data.agents;
  const codeOf = (document, pageSize) =>
    nodes(studio, document, {}, { select, pageSize }).next().catch((thrown) => {
      assert.equal(thrown instanceof RequestFailed, true);
      return thrown.error.code;
    });
  // The list is null, next to data that is there.
  const nothing = typed(`query ($first: Int) { viewer { subject }
    agents(first: $first, after: "invented") { edges { node { name } } pageInfo { hasNextPage } } }`);
  assert.deepEqual([await codeOf(AGENTS, 0), await codeOf(nothing, 2)], ['INVALID_INPUT', 'INVALID_CURSOR']);
});
