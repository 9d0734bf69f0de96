"""An agent: what it is told, which model speaks for it, and the tools it may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NewType
from uuid import UUID

from domain.access import TenantId
from domain.errors import InvalidInput, Path
from domain.names import check_name, check_text
from domain.texts import READABLE, check_template

AgentId = NewType("AgentId", UUID)

MOST_TOOLS = 64
OF_PROMPTS = READABLE - {"params"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A slot of a prompt and what stands there when the context has nothing for it."""

    name: str
    default: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What an agent is told. Both texts are templates over the call's context."""

    system: str
    greeting: str | None = None
    variables: tuple[Variable, ...] = ()

    @property
    def defaults(self) -> Mapping[str, str]:
        """What stands in for a missing value, by its path."""
        return {variable.name: variable.default for variable in self.variables}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderChoice:
    """A provider of the catalogue, one of its models, and options for it."""

    provider: str
    model: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSpec:
    """Everything of an agent that people edit, and that a published version freezes."""

    name: str
    display_name: str | None = None
    description: str | None = None
    prompt: Prompt
    llm: ProviderChoice
    tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """An agent as it stands now; `revision` grows with every edit."""

    id: AgentId
    tenant_id: TenantId
    revision: int
    created_at: datetime
    updated_at: datetime
    spec: AgentSpec


def check_agent(spec: AgentSpec, path: Path = ("input",)) -> AgentSpec:
    """The spec itself, or `InvalidInput` naming the first field that breaks a rule."""
    check_name(spec.name, (*path, "name"))
    check_text(spec.display_name, (*path, "displayName"), most=120)
    check_text(spec.description, (*path, "description"), most=2_000)
    check_text(spec.prompt.system, (*path, "prompt", "system"), most=32_768, least=1)
    check_text(spec.prompt.greeting, (*path, "prompt", "greeting"), most=4_096)
    check_template(spec.prompt.system, (*path, "prompt", "system"), OF_PROMPTS)
    check_template(spec.prompt.greeting, (*path, "prompt", "greeting"), OF_PROMPTS)
    if len(spec.tools) > MOST_TOOLS:
        raise InvalidInput(f"An agent may have {MOST_TOOLS} tools.", (*path, "tools"))
    if len(set(spec.tools)) < len(spec.tools):
        raise InvalidInput("A tool is listed twice.", (*path, "tools"))
    return spec
