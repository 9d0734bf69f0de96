// A certified OpenID Provider for tests: `node provider.mjs PORT`. `POST /control` says who signs in next,
// and with which claims.
import { generateKeyPairSync } from 'node:crypto';
import { Provider } from 'oidc-provider';

const [port] = process.argv.slice(2);
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const issuer = `http://127.0.0.1:${port}`;
const state = { account: 'ada', users: {}, denies: false };

const provider = new Provider(issuer, {
  jwks: { keys: [privateKey.export({ format: 'jwk' })] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], groups: ['groups', 'department'] },
  scopes: ['openid', 'email', 'profile', 'groups'],
  cookies: { keys: ['for-tests-only'] },
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: false },
    registration: { enabled: true },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      // Sign out without a question, as the test has no user to answer it.
      logoutSource: (ctx, form) => {
        ctx.body = `<!DOCTYPE html><html><body>${form}</body></html>`;
      },
    },
  },
  // Its own dispatcher does not connect to loopback addresses, and its signal ends a request after 2.5 s.
  fetch: (url, { dispatcher, signal, ...options }) => globalThis.fetch(url, options),
  findAccount: (ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, ...state.users[id] }),
  }),
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId,
      accountId: ctx.oidc.session.accountId,
    });
    grant.addOIDCScope('openid email profile groups');
    await grant.save();
    return grant;
  },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
});

provider.use(async (ctx, next) => {
  if (ctx.path.startsWith('/interaction/')) {
    const result = state.denies
      ? { error: 'access_denied' }
      : { login: { accountId: state.account } };
    ctx.respond = false;
    await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: false });
  } else if (ctx.path === '/control') {
    const chunks = [];
    for await (const chunk of ctx.req) chunks.push(chunk);
    Object.assign(state, JSON.parse(Buffer.concat(chunks).toString()));
    ctx.status = 204;
  } else {
    await next();
  }
});

provider.listen(Number(port), '127.0.0.1');
