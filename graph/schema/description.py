"""What the schema says about the whole API. `docs/api.md` says the same with examples."""

from __future__ import annotations

DESCRIPTION = """\
The public API of Agent Studio.

**Authentication.** Send `X-API-Key: <API key>` or `Authorization: Bearer <access token or API key>`. Over WebSocket \
(`graphql-transport-ws`), put the same into the payload of `connection_init`, as `apiKey` or `authorization`. `login` and \
`finishSignIn` return access tokens, `createApiKey` an API key. `@requires` declares the scopes that each part needs.

**Errors.** A mutation returns its success or an error that implements `Error`, and then nothing has changed. Everything \
else is in `errors`, with a code in `extensions.code`. `docs` of an error, `extensions.docs` and `docs` of a finding are \
where the API explains the code: paths on its host, which serves the whole documentation at `/docs/`.

**Ids and pages.** Ids are global and opaque; `node(id:)` returns objects that implement `Node`. Lists are connections; pass `endCursor` as \
`after` to continue.

**Subscriptions.** `callEvents` yields every event of a call once and in order. After a lost connection, subscribe again \
with the last `cursor` as `after`.

**Limits.** `extensions.cost` shows the cost of an operation. `extensions.rateLimit` and the `RateLimit` headers show what \
is left of the allowance.

**Repeated requests.** With an `idempotencyKey`, a mutation is safe to send again.

**Changes.** Elements are deprecated for at least one release before they are removed. Ignore enum values and \
`__typename`s that you do not know."""
