// Keeps two workflows with nodes of the same names in a cache that normalizes objects by their ids:
// node apollo.mjs <url> <api key> <query>. Prints what the server returned and what the cache has.
import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client';

const [url, key, query] = process.argv.slice(2);
const client = new ApolloClient({
  link: new HttpLink({ uri: url, headers: { 'x-api-key': key } }),
  cache: new InMemoryCache(),
});
const document = gql(query);
const { data } = await client.query({ query: document, fetchPolicy: 'network-only' });
const cached = client.readQuery({ query: document });
const keys = Object.keys(client.cache.extract());
console.log(JSON.stringify({ data, cached, keys }));
