// Talks to the clinic with urql: node talk-urql.mjs <url> <api key>. Prints what it has seen.
import { Client, cacheExchange, fetchExchange, subscriptionExchange } from '@urql/core';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { converse, documents } from './conversation.mjs';

const [url, key] = process.argv.slice(2);
const sockets = createClient({
  url: url.replace('http', 'ws'),
  webSocketImpl: WebSocket,
  connectionParams: { apiKey: key },
});
const client = new Client({
  url,
  fetchOptions: { headers: { 'x-api-key': key } },
  exchanges: [
    cacheExchange,
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query, variables }) => ({
        subscribe: (sink) => ({ unsubscribe: sockets.subscribe({ query, variables }, sink) }),
      }),
    }),
  ],
});

async function execute(document, variables) {
  const isMutation = document.definitions[0].operation === 'mutation';
  const result = await (isMutation
    ? client.mutation(document, variables)
    : client.query(document, variables));
  if (result.error) throw result.error;
  return result.data;
}

function subscribe(document, variables, next, fail) {
  const { unsubscribe } = client
    .subscription(document, variables)
    .subscribe(({ data, error }) => (error ? fail(error) : next(data)));
  return unsubscribe;
}

const fetchPage = (variables) => execute(documents.Agents, variables);
console.log(JSON.stringify(await converse({ execute, fetchPage, subscribe })));
await sockets.dispose();
