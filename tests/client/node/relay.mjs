// A relay between the client and the API that closes connections as a test wants.

import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';

const SUBPROTOCOL = 'graphql-transport-ws';

/** `codes`: after each third value, a connection is closed with the next code; 1006 cuts it. */
export async function startRelay(url, codes) {
  const target = new URL('/graphql', url.replace(/^http/, 'ws')).href;
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => SUBPROTOCOL });
  await once(server, 'listening');
  const address = `ws://127.0.0.1:${server.address().port}`;
  const connections = { count: 0 };
  server.on('connection', (client) => {
    connections.count += 1;
    const upstream = new WebSocket(target, SUBPROTOCOL);
    const opened = once(upstream, 'open');
    let values = 0;
    client.on('message', (data) => opened.then(() => upstream.send(data.toString())));
    client.on('close', () => upstream.terminate());
    upstream.on('close', (code, reason) => client.close(code === 1005 ? 1000 : code, reason));
    upstream.on('error', () => undefined);
    upstream.on('message', (data) => {
      const text = data.toString();
      client.send(text);
      if (JSON.parse(text).type !== 'next' || ++values !== 3 || codes.length === 0) return;
      const code = codes.shift();
      if (code === 1006) client.terminate();
      else client.close(code, 'closed by the test');
    });
  });
  class Relayed extends WebSocket {
    constructor(_, protocols) {
      super(address, protocols);
    }
  }
  return {
    connections,
    webSocket: Relayed,
    close: () => {
      for (const client of server.clients) client.terminate();
      server.close();
    },
  };
}
