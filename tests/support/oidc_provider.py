"""A certified OpenID Provider as a process, and a browser that is redirected between it and the API."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

from local.private_files import free_port
from tests.support.npm import install, skip_or_fail
from tests.support.paths import ROOT
from tests.support.processes import running_process, until_answers

SOURCE = ROOT / "tests" / "oidc"
MAX_REDIRECTS = 20


def install_provider(folder: Path) -> Path:
    """Install the provider and its dependencies, as locked."""
    if not shutil.which("node"):
        skip_or_fail("node is not installed")
    install(SOURCE, folder, "provider.mjs")
    return folder


@dataclass(frozen=True, slots=True)
class Provider:
    """A running provider."""

    issuer: str

    async def control(self, **state: Any) -> None:
        """Say who signs in next (`account`), what the claims of `users` are, or that it `denies`."""
        async with httpx.AsyncClient(timeout=60) as http:
            response = await http.post(f"{self.issuer}/control", json=state)
        assert response.status_code == 204

    async def register(self, redirect_uri: str, **more: Any) -> dict[str, Any]:
        """Register a client (RFC 7591) and return its id and secret."""
        metadata = {
            "redirect_uris": [redirect_uri],
            "response_types": ["code"],
            "grant_types": ["authorization_code"],
            "scope": "openid email profile groups",
            **more,
        }
        async with httpx.AsyncClient(timeout=60) as http:
            response = await http.post(f"{self.issuer}/reg", json=metadata)
        assert response.status_code == 201, response.text
        registered: dict[str, Any] = response.json()
        return registered


@asynccontextmanager
async def running_provider(folder: Path) -> AsyncIterator[Provider]:
    port = free_port()
    provider = Provider(f"http://127.0.0.1:{port}")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    async with running_process("node", "provider.mjs", str(port), cwd=folder, **quiet):
        await until_answers(f"{provider.issuer}/.well-known/openid-configuration")
        yield provider


class Browser:
    """Follows redirects with its cookies, until one leads to a page of the dashboard."""

    def __init__(self, dashboard: str) -> None:
        self.dashboard = dashboard
        self.http = httpx.AsyncClient(timeout=60)
        self.visited: list[str] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def open(self, url: str, *, until: Sequence[str] = ()) -> str:
        """The URL at which the browser ends: a page of the dashboard, or the first one that contains any
        of `until`, which is not visited."""
        for _ in range(MAX_REDIRECTS):
            if url.startswith(self.dashboard) or any(part in url for part in until):
                return url
            self.visited.append(url)
            response = await self.http.get(url)
            if not response.is_redirect:
                raise AssertionError(f"HTTP {response.status_code} at {url}: {response.text}")
            url = urljoin(url, response.headers["location"])
        raise AssertionError("too many redirects")

    async def submit_logout(self, url: str) -> None:
        """Open the page that signs the user out of the provider, and submit its form."""
        page = await self.http.get(url)
        action = re.search(r'action="([^"]+)"', page.text)
        token = re.search(r'name="xsrf" value="([^"]+)"', page.text)
        assert action is not None, page.text
        assert token is not None, page.text
        form = {"xsrf": token[1], "logout": "yes"}
        response = await self.http.post(urljoin(url, action[1]), data=form)
        assert response.status_code < 400, response.text


def fragment(url: str) -> dict[str, str]:
    """What the page finds behind the `#`."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).fragment).items()}


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
