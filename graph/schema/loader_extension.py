"""Data loaders whose lifetime is one operation, or one event of a subscription."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from strawberry.extensions import SchemaExtension

from resolvers.loaders import Loaders, current_loaders


class LoaderScope(SchemaExtension):
    def on_operation(self) -> Iterator[None]:
        self._loaders = Loaders()
        token = current_loaders.set(self._loaders)
        try:
            yield
        finally:
            # A cancelled operation leaves loaders that still read for it.
            self._loaders.cancel()
            # A stream may be closed from another task, whose context has no token to reset.
            with suppress(ValueError):
                current_loaders.reset(token)

    def on_stream_result(self, result: Any) -> Iterator[None]:
        yield
        self._loaders = Loaders()
        current_loaders.set(self._loaders)
