// Signing in, refreshing and signing out.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { createSession, createStudio, memoryStore } from 'agent-studio-client';
import { CONFIRM, ENROL, valueOf, VIEWER } from './operations.mjs';

const { STUDIO_URL: url, EMAIL: email, PASSWORD: password, SECOND_EMAIL: careful } = process.env;

function setUp() {
  const sent = [];
  const recording = (input, init) => {
    sent.push(/(?:mutation|query) (\w+)/.exec(init.body)?.[1] ?? 'other');
    return fetch(input, init);
  };
  const store = memoryStore();
  const session = createSession({ url, store, fetch: recording });
  return { sent, store, session, studio: createStudio({ url, session, fetch: recording }) };
}

/** The code of an authenticator app (RFC 6238). */
function totp(secret) {
  const bits = [...secret].map((each) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(each).toString(2).padStart(5, '0'));
  const key = Buffer.from(bits.join('').match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const digest = createHmac('sha1', key).update(counter).digest();
  const number = digest.readUInt32BE(digest.at(-1) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}

test('a session begins with the right password and ends with signing out', async () => {
  const { session, store, studio } = setUp();
  const states = [];
  session.state.subscribe(() => states.push(session.state.get() !== null));
  const refused = await session.signIn({ email, password: 'a wrong password indeed' });
  assert.deepEqual([refused.ok, refused.error.__typename, refused.error.code], [false, 'InvalidCredentials', 'UNAUTHENTICATED']);
  assert.deepEqual(await session.signIn({ email, password }), {
    ok: true,
    value: { endSessionUrl: null },
    errors: [],
    extensions: {},
  });
  assert.equal(valueOf(await studio.query(VIEWER)).viewer.person.email, email);
  const { accessToken } = store.load();
  assert.deepEqual(await session.signOut(), { endSessionUrl: null, error: null });
  assert.deepEqual([states, store.load()], [[true, false], null]);
  assert.equal((await session.accessToken()).error.code, 'SIGNED_OUT');
  assert.equal((await studio.query(VIEWER)).error.code, 'UNAUTHENTICATED');
  // The API ends the session as well. It knows the token until it is notified, so this asks until it is refused.
  const headers = { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' };
  const late = () => fetch(`${url}/graphql`, { method: 'POST', headers, body: '{"query": "{ viewer { subject } }"}' });
  const deadline = Date.now() + 30_000;
  while ((await late()).status !== 401) assert.equal(Date.now() < deadline, true);
});

test('a token that the API refuses is refreshed once, however many requests wait for it', async () => {
  const { sent, session, store, studio } = setUp();
  valueOf(await session.signIn({ email, password }));
  const { accessToken, ...others } = store.load();
  store.save({ ...others, accessToken: `${accessToken}x` });
  const results = await Promise.all(Array.from({ length: 10 }, () => studio.query(VIEWER)));
  assert.deepEqual(new Set(results.map((result) => valueOf(result).viewer.person.email)), new Set([email]));
  assert.equal(sent.filter((name) => name === 'RefreshSession').length, 1);
  assert.notEqual(store.load().refreshToken, others.refreshToken);
});

test('a token is refreshed before it expires', async () => {
  const { sent, session, store } = setUp();
  valueOf(await session.signIn({ email, password }));
  const tokens = store.load();
  assert.equal(valueOf(await session.accessToken()), tokens.accessToken);
  store.save({ ...tokens, expiresAt: new Date(Date.now() + 1_000).toISOString() });
  await session.accessToken();
  assert.notEqual(store.load().refreshToken, tokens.refreshToken);
  assert.deepEqual(sent, ['Login', 'RefreshSession']);
});

test('a session that ended on the server is over here', async () => {
  const { session, store, studio } = setUp();
  valueOf(await session.signIn({ email, password }));
  const { accessToken, refreshToken } = store.load();
  const other = createSession({ url, store: memoryStore(store.load()) });
  await other.signOut();
  const refused = await session.accessToken({ rejected: accessToken });
  assert.deepEqual([refused.ok, refused.error.code, session.state.get(), store.load()], [false, 'SIGNED_OUT', null, null]);
  assert.equal((await studio.query(VIEWER)).error.code, 'UNAUTHENTICATED');
  assert.notEqual(refreshToken, undefined);
});

test('the tokens stay when the API is unreachable', async () => {
  const tokens = { accessToken: 'a', refreshToken: 'b', expiresAt: '2020-01-01T00:00:00Z' };
  const session = createSession({ url: 'http://127.0.0.1:9', store: memoryStore(tokens), fetch });
  const controller = new AbortController();
  const waiting = session.accessToken({ signal: controller.signal });
  controller.abort(new Error('enough'));
  await assert.rejects(waiting, /^Error: enough$/);
  assert.notEqual(session.state.get(), null);
});

test('a sign-out that the API does not receive says so', async () => {
  const store = memoryStore({ accessToken: 'a', refreshToken: 'b', expiresAt: '2020-01-01T00:00:00Z' });
  const { error } = await createSession({ url: 'http://127.0.0.1:9', store, fetch }).signOut();
  assert.deepEqual([error.code, store.load()], ['UNREACHABLE', null]);
});

test('a second factor is asked for', async () => {
  const { session, studio } = setUp();
  valueOf(await session.signIn({ email: careful, password }));
  const { secret } = valueOf(await studio.mutate(ENROL, { input: { currentPassword: password } }));
  const { recoveryCodes } = valueOf(await studio.mutate(CONFIRM, { input: { code: totp(secret) } }));
  await session.signOut();
  const asked = await session.signIn({ email: careful, password });
  assert.deepEqual([asked.ok, asked.error.code, session.state.get()], [false, 'SECOND_FACTOR_REQUIRED', null]);
  assert.equal((await session.signIn({ email: careful, password, code: '000000' })).ok, false);
  valueOf(await session.signIn({ email: careful, password, code: recoveryCodes[0] }));
  assert.equal(valueOf(await studio.query(VIEWER)).viewer.person.email, careful);
});

/** What a page has that Node has not: an address and a storage of the tab. */
function openPage(href) {
  const stored = new Map();
  globalThis.location = new URL(href);
  globalThis.history = { state: null, replaceState: (_, __, address) => (globalThis.location = new URL(address)) };
  globalThis.sessionStorage = {
    getItem: (key) => stored.get(key) ?? null,
    setItem: (key, value) => stored.set(key, value),
    removeItem: (key) => stored.delete(key),
  };
}

test('the way to an identity provider carries a challenge, and the way back what the API says', async () => {
  const { sent, session } = setUp();
  openPage('https://dash.example/calls?tab=live#top');
  const address = new URL(await session.startSingleSignOn(`${url}/sso/acme`));
  assert.equal(address.searchParams.get('return_to'), 'https://dash.example/calls?tab=live');
  assert.match(address.searchParams.get('challenge'), /^[\w-]{43}$/);
  assert.equal(await session.finishSingleSignOn(), null);
  globalThis.location = new URL('https://dash.example/calls?tab=live#handoff=invented');
  const refused = await session.finishSingleSignOn();
  assert.deepEqual([refused.ok, refused.error.__typename], [false, 'InvalidCredentials']);
  assert.equal(location.href, 'https://dash.example/calls?tab=live');
  globalThis.location = new URL('https://dash.example/#sign_in_error=DENIED_BY_PROVIDER');
  assert.equal((await session.finishSingleSignOn()).error.code, 'DENIED_BY_PROVIDER');
  globalThis.location = new URL('https://dash.example/#handoff=of-another-tab');
  assert.equal((await session.finishSingleSignOn()).error.code, 'SIGN_IN_FAILED');
  assert.deepEqual(await session.signInOptions('nothing').then(valueOf), []);
  assert.deepEqual(sent, ['FinishSignIn', 'SignInOptions']);
});
