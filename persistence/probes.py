"""Asks providers whether they know a key. Their addresses are ours, or the operator's: no guard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from domain.common.settings import Settings
from domain.tenants.credentials import KeyTest, Verdict

SECONDS = 10.0
PUBLIC: Mapping[str, str] = {
    "openai": "https://api.openai.com/v1",
    "google": "https://generativelanguage.googleapis.com",
    "deepgram": "https://api.deepgram.com",
    "cartesia": "https://api.cartesia.ai",
    "sarvam": "https://api.sarvam.ai",
}


@dataclass(frozen=True, slots=True)
class Question:
    """A request that costs nothing and that a wrong key is refused."""

    path: str
    header: str
    prefix: str = ""
    more: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


QUESTIONS: Mapping[str, Question] = {
    "openai": Question("/models", "Authorization", "Bearer "),
    "google": Question("/v1beta/models", "x-goog-api-key"),
    "deepgram": Question("/v1/projects", "Authorization", "Token "),
    "cartesia": Question("/voices?limit=1", "X-API-Key", more={"Cartesia-Version": "2025-04-16"}),
    "sarvam": Question("/text-lid", "api-subscription-key", body={"input": "namaste"}),
}


class HttpProber:
    def __init__(self, settings: Settings, bases: Mapping[str, str] | None = None) -> None:
        configured = {name: url for name, url in settings.provider_base_urls.items() if url}
        self._bases = {**PUBLIC, **configured, **(bases or {})}

    async def ask(self, provider: str, key: str) -> KeyTest:
        question = QUESTIONS[provider]
        url = self._bases[provider].rstrip("/") + question.path
        headers = {question.header: f"{question.prefix}{key}", **question.more}
        method = "GET" if question.body is None else "POST"
        try:
            patience = aiohttp.ClientTimeout(total=SECONDS)
            async with (
                aiohttp.ClientSession(timeout=patience) as http,
                http.request(
                    method, url, headers=headers, json=question.body, allow_redirects=False
                ) as answer,
            ):
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            message = f"{provider} could not be reached ({type(error).__name__})."
            return KeyTest(verdict=Verdict.UNREACHABLE, message=message)
        return _judged(provider, status)


def _judged(provider: str, status: int) -> KeyTest:
    if 200 <= status < 300:
        return KeyTest(verdict=Verdict.ACCEPTED, message=f"{provider} accepts the key.")
    # Gemini answers 400 to a key that it does not know.
    if status in (401, 403) or (provider == "google" and status == 400):
        message = f"{provider} refuses the key (status {status})."
        return KeyTest(verdict=Verdict.REJECTED, message=message)
    message = f"{provider} answered with status {status}, which says nothing about the key."
    return KeyTest(verdict=Verdict.UNREACHABLE, message=message)
