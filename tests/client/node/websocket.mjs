// Adds the WebSocket that browsers and newer versions of Node have: node --import ./websocket.mjs …
import { WebSocket } from 'ws';

globalThis.WebSocket ??= WebSocket;
