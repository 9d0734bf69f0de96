"""How the API calls the fields of the domain's data."""

from __future__ import annotations

from collections.abc import Mapping

from domain.common.casing import camel
from domain.workflows.model import WorkflowSpec

API_NAMES: Mapping[tuple[type, str], str] = {
    (WorkflowSpec, "name"): "slug",
    (WorkflowSpec, "display_name"): "name",
}
"""Where the API has another word for a field than its own in camel case."""


def api_name(owner: type, name: str) -> str:
    return API_NAMES.get((owner, name)) or camel(name)
