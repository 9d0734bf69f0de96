"""The names that fields of domain data have in the API."""

from __future__ import annotations

from collections.abc import Mapping

from domain.common.casing import camel
from domain.workflows.model import WorkflowSpec

API_NAMES: Mapping[tuple[type, str], str] = {
    (WorkflowSpec, "name"): "slug",
    (WorkflowSpec, "display_name"): "name",
}
"""Fields whose API name is not their own name in camel case."""


def api_name(owner: type, name: str) -> str:
    return API_NAMES.get((owner, name)) or camel(name)
