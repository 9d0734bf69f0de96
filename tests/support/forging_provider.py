"""An identity provider that answers whatever a test wants, forged tokens included. Its wire protocol is that
of OpenID Connect; what a certified provider never says can be tried with it."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.common.tasks import cancel_and_wait
from graph.server import listen

CLIENT_ID = "studio"
CODE = "a-code"


@dataclass(frozen=True, slots=True)
class SigningKey:
    id: str | None
    algorithm: str
    private: Any = field(repr=False)

    def public_jwk(self, **more: Any) -> dict[str, Any]:
        public = self.private.public_key()
        convert: Any = {
            "RS256": RSAAlgorithm.to_jwk,
            "PS256": RSAAlgorithm.to_jwk,
            "ES256": ECAlgorithm.to_jwk,
            "EdDSA": OKPAlgorithm.to_jwk,
        }[self.algorithm]
        jwk: dict[str, Any] = {**json.loads(convert(public)), "use": "sig", **more}
        jwk.pop("key_ops", None)
        return jwk if self.id is None else {**jwk, "kid": self.id}

    def sign(self, claims: Mapping[str, Any], header: Mapping[str, Any] | None = None) -> str:
        headers = {**({} if self.id is None else {"kid": self.id}), **(header or {})}
        return jwt.encode(dict(claims), self.private, self.algorithm, headers=headers)


def new_key(id: str | None = "key-1", algorithm: str = "RS256") -> SigningKey:
    make: Any = {
        "RS256": lambda: rsa.generate_private_key(public_exponent=65_537, key_size=2_048),
        "PS256": lambda: rsa.generate_private_key(public_exponent=65_537, key_size=2_048),
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate,
    }[algorithm]
    return SigningKey(id, algorithm, make())


def unsigned(claims: Mapping[str, Any], header: Mapping[str, Any]) -> str:
    """A token with this header and an empty signature."""

    def part(value: Mapping[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part(header)}.{part(claims)}."


@dataclass(slots=True)
class ForgingProvider:
    issuer: str
    key: SigningKey = field(default_factory=new_key)
    keys: list[dict[str, Any]] | None = None
    """The published set; that of `key` if None."""
    metadata: dict[str, Any] = field(default_factory=dict)
    """What differs from correct metadata; a value of None removes a field."""
    claims: dict[str, Any] = field(default_factory=dict)
    """What differs from a correct ID token; a value of None removes a claim."""
    userinfo: dict[str, Any] | None = None
    id_token: str | None = None
    """The ID token to send instead of a correct one."""
    padding: int = 0
    """Bytes by which each answer is longer than it needs to be."""
    silent: bool = False
    """Accepts requests and never answers."""
    nonce: str = ""
    requests: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)

    def count(self, path: str) -> int:
        return self.requests.count(path)

    def id_token_claims(self) -> dict[str, Any]:
        now = int(time.time())
        correct = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": "ada",
            "iat": now,
            "exp": now + 300,
            "nonce": self.nonce,
            "email": "ada@acme.example",
            "email_verified": True,
        }
        return {n: v for n, v in {**correct, **self.claims}.items() if v is not None}

    async def answer(self, request: Request) -> Response:
        path = request.url.path
        self.requests.append(path)
        if self.silent:
            await asyncio.Event().wait()
        match path:
            case "/.well-known/openid-configuration":
                return self._json(self._metadata())
            case "/jwks":
                keys = [self.key.public_jwk()] if self.keys is None else self.keys
                return self._json({"keys": keys})
            case "/token":
                return await self._tokens(request)
            case "/me":
                return self._json(self.userinfo or {})
        return Response(status_code=404)

    async def _tokens(self, request: Request) -> Response:
        form = (await request.body()).decode()
        self.forms.append(dict(pair.partition("=")[::2] for pair in form.split("&")))
        self.authorizations.append(request.headers.get("authorization", ""))
        token = self.id_token or self.key.sign(self.id_token_claims())
        return self._json({"access_token": "a-token", "token_type": "Bearer", "id_token": token})

    def _metadata(self) -> dict[str, Any]:
        correct = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/me",
        }
        return {n: v for n, v in {**correct, **self.metadata}.items() if v is not None}

    def _json(self, value: Mapping[str, Any]) -> Response:
        return JSONResponse({**value, **({"padding": "x" * self.padding} if self.padding else {})})


@asynccontextmanager
async def running_forger() -> AsyncIterator[ForgingProvider]:
    listening = listen("127.0.0.1", 0)
    provider = ForgingProvider(f"http://127.0.0.1:{listening.getsockname()[1]}")
    routes = [Route("/{path:path}", provider.answer, methods=["GET", "POST"])]
    config = uvicorn.Config(Starlette(routes=routes), log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        yield provider
    finally:
        server.should_exit = server.force_exit = True
        async with asyncio.timeout(60):
            await asyncio.wait([task])
        await cancel_and_wait(task)
