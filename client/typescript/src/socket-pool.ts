// The WebSockets of a client: one for most clients, another one when it has many subscriptions.

import { Variable } from './observable.js';
import { SharedSocket, type ConnectionState, type SocketOptions } from './socket.js';

/** The API runs 100 operations on a connection, and closes one that receives more than 256 KiB at once. The
 * document of `callEvents` has 4 KiB, and all documents are sent again after a loss. */
const MAX_SUBSCRIPTIONS = 50;

/** The state of a client with several sockets is the first of these that one of them has. */
const STATES: readonly ConnectionState[] = ['RECONNECTING', 'CONNECTING', 'CONNECTED', 'IDLE'];

export class SocketPool {
  readonly state = new Variable<ConnectionState>('IDLE');
  readonly #options: SocketOptions;
  readonly #sockets: SharedSocket[] = [];

  constructor(options: SocketOptions) {
    this.#options = options;
  }

  /** The socket of a new subscription, which has to call its `end`. A socket without any closes by itself. */
  begin(): SharedSocket {
    const socket = this.#sockets.find(({ subscriptions }) => subscriptions < MAX_SUBSCRIPTIONS) ?? this.#add();
    socket.begin();
    return socket;
  }

  /** Connect again with the present credential, because the session is another one. */
  renew(): void {
    for (const socket of this.#sockets) socket.renew();
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }

  #add(): SharedSocket {
    const socket = new SharedSocket(this.#options);
    this.#sockets.push(socket);
    socket.state.subscribe(() => {
      const states = new Set(this.#sockets.map(({ state }) => state.get()));
      this.state.set(STATES.find((state) => states.has(state)) ?? 'IDLE');
    });
    return socket;
  }
}
