"""Findings beside the event loop, remembered for as long as nothing of the workflow changes."""

from __future__ import annotations

import hashlib
import pickle
from collections import OrderedDict
from dataclasses import dataclass

from domain.common.access import TenantId
from domain.common.compute import Compute
from domain.common.findings import Finding
from domain.tenants.settings import TenantSettings
from domain.verification import DRAFT, Effort, verify
from domain.workflows.model import Snapshot

MAX_CACHED = 10_000
"""Workflows and findings together, of all tenants."""


@dataclass(frozen=True, slots=True)
class VerificationInput:
    """All that findings depend on."""

    snapshot: Snapshot
    settings: TenantSettings
    keys: frozenset[str]


class Verifier:
    def __init__(self, compute: Compute, max_cached: int = MAX_CACHED) -> None:
        self._compute = compute
        self._max_cached = max_cached
        self._cache: OrderedDict[bytes, tuple[Finding, ...]] = OrderedDict()
        self._size = 0

    async def findings(
        self, tenant: TenantId, given: VerificationInput, effort: Effort = DRAFT
    ) -> tuple[Finding, ...]:
        return await self._compute.run(tenant, self._find, given, effort)

    def _find(self, given: VerificationInput, effort: Effort) -> tuple[Finding, ...]:
        """Only ever in the one thread of `Compute`."""
        key = _digest(given, effort)
        if (found := self._cache.get(key)) is not None:
            self._cache.move_to_end(key)
            return found
        found = verify(given.snapshot, given.settings, given.keys, effort)
        self._store(key, found)
        return found

    def _store(self, key: bytes, found: tuple[Finding, ...]) -> None:
        self._cache[key] = found
        self._size += 1 + len(found)
        while self._size > self._max_cached:
            _, forgotten = self._cache.popitem(last=False)
            self._size -= 1 + len(forgotten)


def _digest(given: VerificationInput, effort: Effort) -> bytes:
    """Two that differ never share one. Equal ones may miss each other, which costs time only."""
    content = (given.snapshot, given.settings, sorted(given.keys), effort)
    return hashlib.sha256(pickle.dumps(content)).digest()
