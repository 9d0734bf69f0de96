// Follows a call as a dashboard does, through every loss of the API:
// node follow.mjs <ws url> <api key> <call id>. Prints the number of every event.
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const [url, key, callId] = process.argv.slice(2);
const client = createClient({
  url,
  webSocketImpl: WebSocket,
  connectionParams: async () => ({ apiKey: key }),
  retryAttempts: Infinity,
  shouldRetry: () => true,
  retryWait: () => new Promise((resolve) => setTimeout(resolve, 50)),
});

const query = `subscription ($callId: ID!, $after: Cursor) {
  callEvents(callId: $callId, after: $after) { ... on CallEvent { seq cursor } }
}`;
// The client sends this very object again when it reconnects.
const payload = { query, variables: { callId, after: null } };

client.subscribe(payload, {
  next({ data, errors }) {
    if (errors) {
      console.log(JSON.stringify(errors));
      process.exit(1);
    }
    const event = data.callEvents;
    if (event.cursor === undefined) return;
    payload.variables.after = event.cursor;
    console.log(event.seq);
  },
  error(error) {
    console.log(`failed ${JSON.stringify(error)} ${error?.code ?? ''}`);
    process.exit(1);
  },
  complete() {
    console.log('complete');
    process.exit(0);
  },
});
