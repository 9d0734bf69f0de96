// Talks to the clinic with Apollo Client: node talk-apollo.mjs <url> <api key>. Prints what it has seen.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { relayStylePagination } from '@apollo/client/utilities';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { converse, documents } from './conversation.mjs';

const [url, key] = process.argv.slice(2);
const headers = { 'x-api-key': key };
const sockets = createClient({
  url: url.replace('http', 'ws'),
  webSocketImpl: WebSocket,
  connectionParams: { apiKey: key },
});

const typeQuery = '{ __schema { types { name possibleTypes { name } } } }';
const introspected = await fetch(url, {
  method: 'POST',
  headers: { ...headers, 'content-type': 'application/json' },
  body: JSON.stringify({ query: typeQuery }),
});
const { types } = (await introspected.json()).data.__schema;
const possibleTypes = Object.fromEntries(
  types
    .filter((type) => type.possibleTypes)
    .map((type) => [type.name, type.possibleTypes.map(({ name }) => name)]),
);

const client = new ApolloClient({
  link: ApolloLink.split(
    ({ operationType }) => operationType === 'subscription',
    new GraphQLWsLink(sockets),
    new HttpLink({ uri: url, headers }),
  ),
  cache: new InMemoryCache({
    possibleTypes,
    typePolicies: { Query: { fields: { agents: relayStylePagination() } } },
  }),
});

async function execute(document, variables) {
  const isMutation = document.definitions[0].operation === 'mutation';
  const result = isMutation
    ? await client.mutate({ mutation: document, variables })
    : await query(document, variables);
  return result.data;
}

// A query for a later page would find the pages before it in the cache, which joins them.
function query(document, { after, ...variables }) {
  return after
    ? client.watchQuery({ query: document, variables }).fetchMore({ variables: { after } })
    : client.query({ query: document, variables });
}

function subscribe(query, variables, next, fail) {
  const subscription = client.subscribe({ query, variables }).subscribe({
    next: ({ data, error }) => (error ? fail(error) : next(data)),
    error: fail,
  });
  return () => subscription.unsubscribe();
}

const seen = await converse({ execute, subscribe });
const pages = client.readQuery({ query: documents.Agents, variables: { first: 1 } });
const call = client.readFragment({
  id: client.cache.identify({ __typename: 'Call', id: seen.end.id }),
  fragment: gql`fragment State on Call { state endReason }`,
});
const cached = {
  agents: pages.agents.edges.map(({ node }) => node.name),
  state: call.state,
  endReason: call.endReason,
};
console.log(JSON.stringify({ ...seen, cached }));
await sockets.dispose();
client.stop();
