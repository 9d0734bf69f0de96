"""HTTP sessions for speech providers, whose WebSockets fail on a message that is not valid JSON.

Some plugins only log such a message and keep waiting, which the caller hears as silence."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from functools import cache
from typing import Any

import aiohttp
from aiohttp import ClientWebSocketResponse, WSMessage, WSMsgType


class InvalidFrame(Exception):
    """The provider sent a message that violates its protocol."""


class _StrictJsonWebSocket(ClientWebSocketResponse):
    _invalid = False

    async def receive(self, *args: Any, **kwargs: Any) -> WSMessage:
        if self._invalid:
            return WSMessage(WSMsgType.CLOSED, None, None)
        message: WSMessage = await super().receive(*args, **kwargs)
        if message.type is WSMsgType.TEXT and not _is_json(message.data):
            self._invalid = True
            return WSMessage(WSMsgType.ERROR, InvalidFrame(), None)
        return message

    def exception(self) -> BaseException | None:
        return InvalidFrame() if self._invalid else super().exception()

    @property
    def close_code(self) -> int | None:
        # 1007 (invalid data), so that the close does not look like a normal one.
        return 1007 if self._invalid else super().close_code


def create_http_session(
    connector: aiohttp.TCPConnector | None = None, headers: Mapping[str, str] | None = None
) -> aiohttp.ClientSession:
    """A session for the duration of a call. The caller of this function closes it."""
    return aiohttp.ClientSession(
        connector=connector or default_connector(),
        headers=headers,
        ws_response_class=_StrictJsonWebSocket,
    )


def default_connector() -> aiohttp.TCPConnector:
    return aiohttp.TCPConnector(limit_per_host=50, keepalive_timeout=120, ssl=ssl_context())


@cache
def ssl_context() -> ssl.SSLContext:
    # Cached because it is large. Created after livekit is imported, which sets SSL_CERT_FILE.
    return ssl.create_default_context()


def _is_json(text: Any) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
