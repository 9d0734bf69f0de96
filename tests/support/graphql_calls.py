"""Documents that tests send again and again, and how they are sent."""

from __future__ import annotations

from typing import Any

import asyncpg

from domain.common.settings import Settings
from tests.support.api_server import Api

FAILS = "... on Error { code message path }"
CREATE_AGENT = f"""mutation ($input: CreateAgentInput!) {{ createAgent(input: $input) {{
  __typename ... on CreateAgentSuccess {{ agent {{ id name revision tools {{ name }} }} }} {FAILS} }} }}"""
UPDATE_AGENT = f"""mutation ($input: UpdateAgentInput!) {{ updateAgent(input: $input) {{
  __typename ... on UpdateAgentSuccess {{ agent {{ id name description revision }} }} {FAILS}
  ... on RevisionConflict {{ current }} }} }}"""
DELETE_AGENT = f"""mutation ($input: DeleteAgentInput!) {{ deleteAgent(input: $input) {{
  __typename ... on DeleteAgentSuccess {{ agent {{ id }} }} {FAILS}
  ... on InUse {{ usedBy }} }} }}"""
CREATE_TOOL = f"""mutation ($input: CreateToolInput!) {{ createTool(input: $input) {{
  __typename ... on CreateToolSuccess {{ tool {{ id name parameters }} }} {FAILS} }} }}"""
CREATE_WORKFLOW = f"""mutation ($input: CreateWorkflowInput!) {{ createWorkflow(input: $input) {{
  __typename ... on CreateWorkflowSuccess {{ workflow {{ id slug revision }} }} {FAILS} }} }}"""
PUBLISH = f"""mutation ($input: PublishWorkflowInput!) {{ publishWorkflow(input: $input) {{
  __typename ... on PublishWorkflowSuccess {{ version {{ id number }} }} {FAILS}
  ... on NotPublishable {{ findings {{ code severity path message }} }} }} }}"""
START = f"""mutation ($input: StartCallInput!) {{ startCall(input: $input) {{
  __typename ... on StartCallSuccess {{ call {{ id state }} }} {FAILS} }} }}"""
SEND = f"""mutation ($input: SendMessageInput!) {{ sendMessage(input: $input) {{
  __typename ... on SendMessageSuccess {{ turnId }} {FAILS} }} }}"""
END = f"""mutation ($input: EndCallInput!) {{ endCall(input: $input) {{
  __typename ... on EndCallSuccess {{ call {{ id state endReason blame }} }} {FAILS} }} }}"""

LLM = {"provider": "scripted", "model": "rules", "options": {"rules": [{"says": "Hi."}]}}
GREETER = {"name": "greeter", "prompt": {"system": "Greet."}, "llm": LLM}
TABLES = ("agent", "tool", "workflow", "workflow_version", "call", "call_event", "call_command")


async def do(api: Api, document: str, /, **given: Any) -> Any:
    answer = await api.ask(document, variables={"input": given})
    assert "errors" not in answer, answer
    [result] = answer["data"].values()
    return result


async def stored(settings: Settings) -> list[Any]:
    """All that matters in the database."""
    db = await asyncpg.connect(settings.database_url)
    rows = [await db.fetch(f"select * from {table} order by 1, 2") for table in TABLES]
    await db.close()
    return rows
