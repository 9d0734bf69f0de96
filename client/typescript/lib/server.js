// What the server of a web page needs so that its visitors can call: a handler of requests for the widget.
import { ConversationDocument, EndCallDocument, SendMessageDocument, StartVisitorCallDocument, } from './generated/graphql.js';
import { hexOf } from './identifiers.js';
import { RequestFailed } from './results.js';
const MAX_BODY_BYTES = 16_384;
const MIN_SECRET_LENGTH = 32;
const TICKET_SECONDS = 4 * 3600;
/** Proxies close streams that are silent for long. */
const HEARTBEAT_MS = 15_000;
const NO_STORE = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
export function createCallHandler(options) {
    const { studio, workflow, kinds = ['VOIP'], admit = () => true } = options;
    const { secret = '', ticketSeconds = TICKET_SECONDS } = options;
    if (kinds.includes('TEXT') && secret.length < MIN_SECRET_LENGTH) {
        throw new TypeError(`Text calls need a \`secret\` of at least ${MIN_SECRET_LENGTH} characters.`);
    }
    async function start(kind, key, request) {
        const allowed = kinds.find((each) => each === kind);
        if (!allowed)
            return refusal(400, 'BAD_REQUEST', `This page offers calls of the kind ${kinds.join(' or ')}.`);
        if (!(await admit(request)))
            return refusal(403, 'FORBIDDEN', 'You cannot start a call now.');
        const input = { workflow: { slug: workflow }, kind: allowed, idempotencyKey: key };
        const result = await studio.mutate(StartVisitorCallDocument, { input }, { signal: request.signal });
        if (!result.ok)
            return failed(result.error);
        const { callId, join } = result.value;
        if (allowed === 'VOIP')
            return json({ join });
        const expiry = Math.floor(Date.now() / 1000) + ticketSeconds;
        return json({ call: await signed(`${callId}.${expiry}`, secret) });
    }
    async function act(body, callId) {
        const { text, key } = body;
        const result = typeof text === 'string'
            ? await studio.mutate(SendMessageDocument, { input: { callId, text, idempotencyKey: key } })
            : await studio.mutate(EndCallDocument, { input: { callId, byCaller: true } });
        return result.ok ? json({}) : failed(result.error);
    }
    return async (request) => {
        if (request.method === 'GET') {
            const callId = await callOf(new URL(request.url).searchParams.get('call'), secret);
            return callId instanceof Response ? callId : stream(studio, callId, request);
        }
        if (request.method !== 'POST')
            return refusal(405, 'BAD_REQUEST', 'Send GET or POST.');
        const body = await readBody(request);
        if (body === null)
            return refusal(400, 'BAD_REQUEST', 'Send JSON with a `key` of 8 to 100 characters.');
        if (body.call === undefined)
            return start(body.kind, body.key, request);
        const callId = await callOf(body.call, secret);
        return callId instanceof Response ? callId : act(body, callId);
    };
}
async function readBody(request) {
    // A form of another site cannot send this type without asking first.
    if (!request.headers.get('content-type')?.startsWith('application/json'))
        return null;
    if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY_BYTES)
        return null;
    const text = await readText(request);
    if (text === null)
        return null;
    try {
        const body = JSON.parse(text);
        const key = body?.key;
        if (typeof key !== 'string' || key.length < 8 || key.length > 100)
            return null;
        return { ...body, key };
    }
    catch {
        return null;
    }
}
/** Null above the limit, which is the limit of the memory as well. */
async function readText(request) {
    const decoder = new TextDecoder();
    let [text, bytes] = ['', 0];
    for (const reader = request.body?.getReader(); reader;) {
        const { done, value } = await reader.read();
        if (done)
            break;
        bytes += value.byteLength;
        if (bytes > MAX_BODY_BYTES) {
            void reader.cancel().catch(() => undefined);
            return null;
        }
        text += decoder.decode(value, { stream: true });
    }
    return text + decoder.decode();
}
/** The conversation as server-sent events, whose ids are cursors: a browser continues after the last one. */
function stream(studio, callId, request) {
    const controller = new AbortController();
    const variables = { callId, after: request.headers.get('last-event-id') };
    const encoder = new TextEncoder();
    const updates = studio.subscribe(ConversationDocument, variables, { signal: controller.signal });
    let timer;
    const stop = () => {
        clearInterval(timer);
        controller.abort();
    };
    request.signal.addEventListener('abort', stop, { once: true });
    const body = new ReadableStream({
        start(sink) {
            sink.enqueue(encoder.encode(': connected\n\n'));
            timer = setInterval(() => sink.enqueue(encoder.encode(': heartbeat\n\n')), HEARTBEAT_MS);
        },
        async pull(sink) {
            try {
                const { done, value } = await updates.next();
                if (!done)
                    return sink.enqueue(encoder.encode(serverSentEvent(value.callEvents)));
            }
            catch (error) {
                if (controller.signal.aborted)
                    return stop();
                // After other errors the stream ends without an event, so that the browser connects again.
                if (error instanceof RequestFailed) {
                    sink.enqueue(encoder.encode(serverSentEvent({ __typename: 'Failed', code: error.error.code })));
                }
            }
            stop();
            sink.close();
        },
        cancel: stop,
    });
    return new Response(body, { headers: { ...NO_STORE, 'content-type': 'text/event-stream' } });
}
function serverSentEvent(update) {
    const { cursor, ...data } = update;
    return `${cursor ? `id: ${cursor}\n` : ''}data: ${JSON.stringify(data)}\n\n`;
}
const json = (body, status = 200) => Response.json(body, { status, headers: NO_STORE });
const refusal = (status, code, message) => json({ code, message }, status);
/** Visitors learn the code; the message may speak of what is none of their business. */
const failed = ({ code }) => refusal(code === 'RATE_LIMITED' ? 429 : 502, code, 'The call is not possible now.');
const hmac = async (secret, usages) => {
    const raw = new TextEncoder().encode(secret);
    return crypto.subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, usages);
};
async function signed(text, secret) {
    const signature = await crypto.subtle.sign('HMAC', await hmac(secret, ['sign']), new TextEncoder().encode(text));
    return `${text}.${hexOf(new Uint8Array(signature))}`;
}
/** The call of a ticket, or the response that refuses it. */
async function callOf(ticket, secret) {
    const parts = /^((.{1,200})\.(\d{1,12}))\.([0-9a-f]{64})$/.exec(typeof ticket === 'string' ? ticket : '');
    const [, text = '', callId = '', expiry, hex = ''] = parts ?? [];
    const isValid = secret && parts && (await isSigned(text, hex, secret));
    if (!isValid)
        return refusal(404, 'NOT_FOUND', 'There is no such call.');
    if (Number(expiry) * 1000 > Date.now())
        return callId;
    return refusal(410, 'TICKET_EXPIRED', 'The time to come back to this call is over. Start another one.');
}
async function isSigned(text, hex, secret) {
    const signature = Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));
    return crypto.subtle.verify('HMAC', await hmac(secret, ['verify']), signature, new TextEncoder().encode(text));
}
