"""The export of agents, tools, workflows and settings as a bundle."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from domain.bundles.model import Bundle
from domain.bundles.yaml_writer import next_chunk, yaml_parts
from domain.common.access import TenantId
from domain.common.compute import Compute
from domain.use_cases import bundles as use_cases
from resolvers.context import Ctx


class BundleExport:
    """A bundle that is serialized in a thread, once per format however many fields request it."""

    def __init__(self, bundle: Bundle, compute: Compute, tenant: TenantId) -> None:
        self._bundle = bundle
        self._compute = compute
        self._tenant = tenant
        self._lock = asyncio.Lock()
        self._json: dict[str, Any] | None = None
        self._yaml: str | None = None

    async def json(self) -> dict[str, Any]:
        async with self._lock:
            return await self._as_json()

    async def yaml(self) -> str:
        async with self._lock:
            if self._yaml is None:
                self._yaml = await self._to_yaml(await self._as_json())
            return self._yaml

    async def _as_json(self) -> dict[str, Any]:
        if self._json is None:
            self._json = await self._compute.run(self._tenant, use_cases.write_export, self._bundle)
        return self._json

    async def _to_yaml(self, value: dict[str, Any]) -> str:
        """Write the YAML in short chunks, so that other tenants get their turns in between."""
        parts, text, size = yaml_parts(value), "", 0
        while chunk := await self._compute.run(self._tenant, next_chunk, parts):
            text, size = text + chunk, size + len(chunk.encode())
            if size > use_cases.MAX_YAML_BYTES:
                raise use_cases.bundle_too_large(f"{use_cases.MAX_YAML_BYTES // 2**20} MiB of YAML")
        return text


async def export(info: Ctx, slugs: Sequence[str] | None) -> BundleExport:
    context = info.context
    bundle = await context.run(use_cases.export_bundle, slugs)
    return BundleExport(bundle, context.services.compute, context.require().tenant_id)
