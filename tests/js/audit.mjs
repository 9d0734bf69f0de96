// The audits of GraphQL over HTTP by the `graphql-http` project: node audit.mjs <url> <api key>
import { auditServer } from 'graphql-http';

const [url, key] = process.argv.slice(2);
const results = await auditServer({
  url,
  fetchFn: (input, init = {}) => {
    const headers = new Headers(init.headers);
    headers.set('x-api-key', key);
    return fetch(input, { ...init, headers });
  },
});
const summary = results.map(({ id, name, status, reason }) => ({ id, name, status, reason }));
console.log(JSON.stringify(summary));
