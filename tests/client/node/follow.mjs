// Follows a call slowly, through every loss of the API: node follow.mjs <url> <api key> <call id>.
// Prints the number of every event, and in the end the states of the live call that the same client saw.

import { setImmediate } from 'node:timers/promises';
import { callEvents, createStudio, liveCall } from 'agent-studio-client';
import { WebSocket } from 'ws';

const [url, apiKey, callId] = process.argv.slice(2);
const studio = createStudio({ url, apiKey, webSocket: WebSocket });

const call = liveCall(studio, callId);
const statuses = [];
const complete = new Promise((resolve) => {
  call.subscribe(() => {
    const { status, turns } = call.get();
    if (status !== statuses.at(-1)) statuses.push(status);
    if (turns.some(({ partial }) => partial)) console.log('partial');
    if (status === 'COMPLETE' || status === 'FAILED') resolve();
  });
});
for await (const event of callEvents(studio, callId)) {
  // Slower than the log is read, so that the buffer becomes full.
  if (event.seq % 10 === 0) await setImmediate();
  if (event.seq) console.log(event.seq);
}
await complete;
console.log(JSON.stringify({ statuses, turns: call.get().turns.length, error: call.get().error }));
studio.close();
