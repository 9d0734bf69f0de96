// Follows a call slowly, through every loss of the API: node follow.mjs <url> <api key> <call id> <turns>.
// Prints the number of every event, and in the end the states of the live call that the same client saw.

import { callEvents, createStudio, liveCall } from 'agent-studio-client';
import { WebSocket } from 'ws';

const [url, apiKey, callId, turns] = process.argv.slice(2);
const studio = createStudio({ url, apiKey, webSocket: WebSocket });

const call = liveCall(studio, callId);
const statuses = [];
call.subscribe(() => {
  const { status, turns } = call.get();
  if (status !== statuses.at(-1)) statuses.push(status);
  if (turns.some(({ partial }) => partial)) console.log('partial');
});
const isOver = ({ status }) => status === 'COMPLETE' || status === 'FAILED';
const until = (holds) =>
  new Promise((resolve) => {
    call.subscribe(() => {
      if (holds(call.get())) resolve();
    });
  });
const caughtUp = until((state) => state.turns.length >= Number(turns) || isOver(state));
const complete = until(isOver);
for await (const event of callEvents(studio, callId, { bufferSize: 100 })) {
  // Meanwhile the buffer becomes full, so that the subscription pauses.
  if (event.seq === 10) await caughtUp;
  if (event.seq) console.log(event.seq);
}
await complete;
console.log(JSON.stringify({ statuses, turns: call.get().turns.length, error: call.get().error }));
studio.close();
