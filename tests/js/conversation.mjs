// The operations of operations.graphql, and a conversation that any client can have with them.
import { readFileSync } from 'node:fs';
import { parse } from 'graphql';

const text = readFileSync(new URL('operations.graphql', import.meta.url), 'utf8');
export const documents = Object.fromEntries(
  parse(text).definitions.map((definition) => [
    definition.name.value,
    { kind: 'Document', definitions: [definition] },
  ]),
);

/**
 * Talks to the clinic until an appointment is booked. `execute` returns the data of a query or a mutation,
 * and `fetchPage` that of a page of agents. `subscribe` passes the data of each update to a function, and
 * returns one that ends the subscription.
 */
export async function converse({ execute, fetchPage, subscribe }) {
  const agents = [];
  let after = null;
  do {
    const { agents: page } = await fetchPage({ first: 1, after });
    agents.push(...page.edges.map(({ node }) => node.name));
    after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
  } while (after);

  const refused = await execute(documents.StartCall, { input: { workflow: { slug: 'none' } } });
  const started = await execute(documents.StartCall, { input: { workflow: { slug: 'clinic' } } });
  const callId = started.startCall.call.id;
  const turns = [];
  const sentences = ['I need an appointment', 'tomorrow at ten'];
  const reply = () => {
    const sentence = sentences.shift();
    return sentence
      ? execute(documents.SendMessage, { input: { callId, text: sentence } })
      : execute(documents.EndCall, { input: { callId, byCaller: true } });
  };
  const end = await new Promise((resolve, reject) => {
    const unsubscribe = subscribe(documents.FollowCall, { callId }, ({ callEvents: event }) => {
      if (event.__typename === 'UserTurn') turns.push(`caller: ${event.text}`);
      if (event.__typename === 'AgentTurn') turns.push(`${event.agent}: ${event.text}`);
      if (event.__typename === 'AgentTurn' && !event.more) reply().catch(reject);
      if (event.__typename === 'CallEnded') {
        resolve(event.call);
        setTimeout(() => unsubscribe());
      }
    }, reject);
  });
  return { agents, refused: refused.startCall, turns, end };
}
