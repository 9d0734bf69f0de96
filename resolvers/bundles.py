"""Everything at once, as files hold it."""

from __future__ import annotations

from collections.abc import Sequence

from domain.actions import bundles as actions
from domain.bundles import Bundle
from resolvers.context import Ctx


async def export(info: Ctx, slugs: Sequence[str] | None) -> Bundle:
    return await actions.export_bundle(info.context.services, info.context.require(), slugs)
