import { Variable } from './observable.js';
import { SharedSocket, type ConnectionState, type SocketOptions } from './socket.js';
export declare class SocketPool {
    #private;
    readonly state: Variable<ConnectionState>;
    constructor(options: SocketOptions);
    /** The socket of a new subscription, which has to call its `end`. A socket without any closes by itself. */
    begin(): SharedSocket;
    /** Connect again with the present credential, because the session is another one. */
    renew(): void;
    close(): void;
}
