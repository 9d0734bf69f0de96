"""Verification outside the event loop, with a cache of findings keyed by the verified input."""

from __future__ import annotations

import hashlib
import pickle
from collections import OrderedDict
from dataclasses import dataclass

from domain.common.access import TenantId
from domain.common.compute import Compute
from domain.common.findings import Finding
from domain.tenants.settings import TenantSettings
from domain.tools.network_allow_list import AllowList
from domain.verification import DRAFT, Effort, TelephonyFacts, verify
from domain.workflows.model import Snapshot

MAX_CACHED = 10_000
"""Cache size: the number of workflows plus their findings, of all tenants."""


@dataclass(frozen=True, slots=True)
class VerificationInput:
    """Everything that the findings of a workflow depend on."""

    snapshot: Snapshot
    settings: TenantSettings
    keys: frozenset[str]
    telephony_facts: TelephonyFacts | None = None


class Verifier:
    def __init__(
        self, compute: Compute, max_cached: int = MAX_CACHED, allowed: AllowList | None = None
    ) -> None:
        self._compute = compute
        self._allowed = allowed
        self._max_cached = max_cached
        self._cache: OrderedDict[bytes, tuple[Finding, ...]] = OrderedDict()
        self._size = 0

    async def findings(
        self, tenant: TenantId, input: VerificationInput, effort: Effort = DRAFT
    ) -> tuple[Finding, ...]:
        return await self._compute.run(tenant, self._verify, input, effort)

    def _verify(self, input: VerificationInput, effort: Effort) -> tuple[Finding, ...]:
        """Runs only in the single thread of `Compute`, so the cache needs no lock."""
        key = _digest(input, effort)
        if (cached := self._cache.get(key)) is not None:
            self._cache.move_to_end(key)
            return cached
        findings = verify(
            input.snapshot,
            input.settings,
            input.keys,
            effort,
            self._allowed,
            input.telephony_facts,
        )
        self._store(key, findings)
        return findings

    def _store(self, key: bytes, findings: tuple[Finding, ...]) -> None:
        self._cache[key] = findings
        self._size += 1 + len(findings)
        while self._size > self._max_cached:
            _, evicted = self._cache.popitem(last=False)
            self._size -= 1 + len(evicted)


def _digest(input: VerificationInput, effort: Effort) -> bytes:
    """Different inputs never share a digest; equal inputs may not either, which only costs time."""
    facts = input.telephony_facts
    content = (input.snapshot, input.settings, sorted(input.keys), facts, effort)
    return hashlib.sha256(pickle.dumps(content)).digest()
