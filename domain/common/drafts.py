"""Which agents, tools or workflows to list, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.common.errors import InvalidInput

MAX_SEARCH_LENGTH = 200


class DraftSort(StrEnum):
    """What a list of agents, tools or workflows is sorted by."""

    CREATED_AT = "CREATED_AT"
    UPDATED_AT = "UPDATED_AT"
    NAME = "NAME"


@dataclass(frozen=True, slots=True)
class DraftOrder:
    sort: DraftSort = DraftSort.CREATED_AT
    is_descending: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftFilter:
    """Which drafts to list; a field that is None matches any draft."""

    search: str | None = None
    """A part of the name or of the display name, in any case."""
    uses: str | None = None
    """The name of what the draft refers to: the tool of an agent, the agent of a workflow."""
    used_by: str | None = None
    """The name of what refers to the draft: the agent that has a tool, the workflow that has an agent."""
    is_used: bool | None = None
    is_published: bool | None = None


@dataclass(frozen=True, slots=True)
class DraftState:
    """Which state of a draft is stored, without its content."""

    id: UUID
    revision: int
    updated_at: datetime


def check_draft_filter(filter: DraftFilter) -> None:
    if len(filter.search or "") > MAX_SEARCH_LENGTH:
        raise InvalidInput(f"search must have at most {MAX_SEARCH_LENGTH} characters.", ("search",))


NEWEST_FIRST = DraftOrder()
EVERY_DRAFT = DraftFilter()
