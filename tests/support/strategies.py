"""Hypothesis strategies for bundles of every shape. The bundles need not be valid workflows."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from domain.bundles.model import Bundle
from domain.tenants.settings import Defaults, Endpoint, McpServer, TenantSettings
from domain.tools import actions as s
from domain.tools.model import ToolSpec
from domain.workflows.agents import (
    AgentSpec,
    Prompt,
    ProviderChoice,
    Session,
    SilencePrompt,
    Variable,
    Voice,
)
from domain.workflows.interruptions import InterruptedBy, Interruption
from domain.workflows.model import (
    Connection,
    ContextPolicy,
    EntryAction,
    Node,
    Position,
    RecordingChoice,
    WorkflowSpec,
)
from domain.workflows.spoken_text_templates import SpokenTextTemplate
from domain.workflows.spoken_texts import SpokenText

LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
TEXT = st.text(LETTERS, max_size=12) | st.sampled_from(
    ["a\nb\n", "no", "1e5", "null", "~", "- a", "# b", "x: y", " a\nb", "a \nb", "\ta", "é\u2028b"]
)
LONG = st.builds(lambda line, n: line * n, TEXT, st.integers(0, 12))
NUMBERS = st.integers(-(2**62), 2**62) | st.floats(-1e18, 1e18)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(TEXT, JSON, max_size=3)
HEADERS = st.dictionaries(TEXT, TEXT, max_size=2)
SECONDS = st.floats(0, 1e6)


def many(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(items, max_size=2).map(tuple)


def maybe(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | items


CHOICES = st.builds(
    ProviderChoice,
    provider=TEXT,
    model=TEXT,
    options=OBJECTS,
    fallbacks=many(st.builds(ProviderChoice, provider=TEXT, options=OBJECTS)),
)
SPOKEN_TEXTS = many(
    st.builds(SpokenTextTemplate, text=st.sampled_from(SpokenText), language=TEXT, say=TEXT)
)
AGENTS = st.builds(
    AgentSpec,
    name=TEXT,
    display_name=maybe(TEXT),
    prompt=st.builds(
        Prompt,
        system=LONG,
        greeting=maybe(TEXT),
        interruptible_greeting=st.booleans(),
        variables=many(st.builds(Variable, name=TEXT, default=TEXT)),
    ),
    llm=maybe(CHOICES),
    tts=maybe(CHOICES),
    voices=many(st.builds(Voice, language=TEXT, voice=TEXT)),
    languages=many(TEXT),
    default_language=maybe(TEXT),
    session=st.builds(
        Session,
        min_endpointing=SECONDS,
        silence=many(st.builds(SilencePrompt, after=SECONDS, say=TEXT)),
        max_duration=maybe(SECONDS),
        interruption=st.builds(
            Interruption,
            by=st.sampled_from(InterruptedBy),
            min_words=st.integers(1, 10),
            ignore=maybe(many(TEXT)),
            always=maybe(many(TEXT)),
            resume_after=maybe(SECONDS),
        ),
    ),
    spoken_texts=SPOKEN_TEXTS,
    tools=many(TEXT),
)
PLAIN_STEPS = st.one_of(
    st.builds(s.ContextSet, path=TEXT, value=JSON),
    st.builds(s.ContextGet, path=TEXT),
    st.builds(s.FlagSet, flag=TEXT),
    st.builds(s.Respond, message=LONG),
    st.builds(s.Handoff, node=TEXT),
    st.builds(
        s.ApiCall,
        url=TEXT,
        method=st.sampled_from(s.Method),
        headers=HEADERS,
        query=OBJECTS,
        body=JSON,
        timeout=SECONDS,
        retries=st.integers(0, 9),
        retry_unsafe=st.booleans(),
        save=HEADERS,
    ),
    st.just(s.ApiCall()),
    st.builds(s.McpCall, server=TEXT, tool=TEXT, arguments=maybe(OBJECTS)),
    st.builds(s.Validate, rules=many(st.builds(s.Rule, condition=TEXT, message=TEXT))),
    st.builds(s.Transform, path=TEXT, operation=st.sampled_from(s.Operation), value=JSON),
    st.builds(s.EndCall),
    st.builds(s.SendDtmf, digits=TEXT),
    st.builds(
        s.CollectDigits,
        name=TEXT,
        prompt=TEXT,
        count=maybe(st.integers(0, 40)),
        terminator=TEXT,
        first_seconds=SECONDS,
        attempts=st.integers(0, 9),
        masked=st.booleans(),
        save=TEXT,
    ),
)
STEPS = st.recursive(
    PLAIN_STEPS,
    lambda inner: st.builds(s.Conditional, condition=TEXT, then=many(inner), otherwise=many(inner)),
    max_leaves=4,
)
TOOLS = st.builds(
    ToolSpec,
    name=TEXT,
    description=TEXT,
    parameters=OBJECTS,
    actions=many(STEPS),
    on_failure=many(STEPS),
    timeout=SECONDS,
    confirm=st.booleans(),
)
WORKFLOWS = st.builds(
    WorkflowSpec,
    name=TEXT,
    display_name=maybe(TEXT),
    nodes=many(
        st.builds(
            Node,
            id=TEXT,
            agent=TEXT,
            is_entry=st.booleans(),
            skip_condition=maybe(TEXT),
            on_entry=st.sampled_from(EntryAction),
            position=maybe(st.builds(Position, x=SECONDS, y=SECONDS)),
        )
    ),
    connections=many(
        st.builds(
            Connection,
            source=TEXT,
            target=TEXT,
            condition=maybe(TEXT),
            priority=st.integers(-9, 9),
            context_policy=st.sampled_from(ContextPolicy),
            context_passed=many(TEXT),
        )
    ),
    shared_context=many(TEXT),
    recording=maybe(st.builds(RecordingChoice, enabled=st.booleans(), announcement=maybe(TEXT))),
)
SETTINGS = st.builds(
    TenantSettings,
    defaults=st.builds(Defaults, llm=maybe(CHOICES), language=maybe(TEXT)),
    endpoints=many(st.builds(Endpoint, name=TEXT, url=TEXT, headers=HEADERS)),
    mcp_servers=many(st.builds(McpServer, name=TEXT, url=TEXT, allow=many(TEXT))),
    values=OBJECTS,
    spoken_texts=SPOKEN_TEXTS,
)
BUNDLES = st.builds(
    Bundle,
    agents=many(AGENTS),
    tools=many(TOOLS),
    workflows=many(WORKFLOWS),
    settings=maybe(SETTINGS),
)
