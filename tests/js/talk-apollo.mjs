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
    typePolicies: { Query: { fields: { agents: relayStylePagination(['filter', 'orderBy']) } } },
  }),
});

async function execute(document, variables) {
  const isMutation = document.definitions[0].operation === 'mutation';
  const result = isMutation
    ? await client.mutate({ mutation: document, variables })
    : await client.query({ query: document, variables });
  return result.data;
}

// The cache answers a query with all pages that it has; `fetchMore` requests the next one and joins it.
async function fetchPage({ first, after }) {
  const options = { query: documents.Agents, variables: { first } };
  if (after === null) return (await client.query(options)).data;
  return (await client.watchQuery(options).fetchMore({ variables: { first, after } })).data;
}

function subscribe(query, variables, next, fail) {
  const subscription = client.subscribe({ query, variables }).subscribe({
    next: ({ data, error }) => (error ? fail(error) : next(data)),
    error: fail,
  });
  return () => subscription.unsubscribe();
}

const seen = await converse({ execute, fetchPage, subscribe });
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
