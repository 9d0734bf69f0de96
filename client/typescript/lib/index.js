export { callEvents } from './call-events.js';
export { typed } from './documents.js';
export { newKey } from './identifiers.js';
export { liveCall } from './live-call.js';
export { nodes, pages } from './pages.js';
export { RequestFailed, } from './results.js';
export { createSession, } from './session.js';
export { createStudio } from './studio.js';
export { browserStore, memoryStore } from './tokens.js';
