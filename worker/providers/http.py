"""Connections to providers of speech, on which what is no JSON breaks the connection.

Some plugins log such a message and wait on: for a caller that is silence."""

from __future__ import annotations

import json
import ssl
from functools import cache
from typing import Any

import aiohttp
from aiohttp import ClientWebSocketResponse, WSMessage, WSMsgType


class InvalidFrame(Exception):
    """The provider sent something that is not of its protocol."""


class _StrictJsonWebSocket(ClientWebSocketResponse):
    _invalid = False

    async def receive(self, *given: Any, **named: Any) -> WSMessage:
        if self._invalid:
            return WSMessage(WSMsgType.CLOSED, None, None)
        message: WSMessage = await super().receive(*given, **named)
        if message.type is WSMsgType.TEXT and not _is_json(message.data):
            self._invalid = True
            return WSMessage(WSMsgType.ERROR, InvalidFrame(), None)
        return message

    def exception(self) -> BaseException | None:
        return InvalidFrame() if self._invalid else super().exception()

    @property
    def close_code(self) -> int | None:
        # Not one that says that all is well.
        return 1007 if self._invalid else super().close_code


def create_http_session() -> aiohttp.ClientSession:
    """For the length of a call; whoever asked for them closes them."""
    connector = aiohttp.TCPConnector(limit_per_host=50, keepalive_timeout=120, ssl=ssl_context())
    return aiohttp.ClientSession(connector=connector, ws_response_class=_StrictJsonWebSocket)


@cache
def ssl_context() -> ssl.SSLContext:
    # Read once: it is large. After the import of livekit, which sees to SSL_CERT_FILE.
    return ssl.create_default_context()


def _is_json(text: Any) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
