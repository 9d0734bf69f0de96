"""Documents that many tests send, and functions to send them."""

from __future__ import annotations

from typing import Any

import asyncpg

from domain.common.settings import Settings
from tests.support.api_server import Api

ERROR_FIELDS = "... on Error { code message path }"
CREATE_AGENT = f"""mutation ($input: CreateAgentInput!) {{ createAgent(input: $input) {{
  __typename ... on CreateAgentSuccess {{ agent {{ id name revision tools {{ name }} }} }} {ERROR_FIELDS} }} }}"""
UPDATE_AGENT = f"""mutation ($input: UpdateAgentInput!) {{ updateAgent(input: $input) {{
  __typename ... on UpdateAgentSuccess {{ agent {{ id name description revision }} }} {ERROR_FIELDS}
  ... on RevisionConflict {{ current }} }} }}"""
DELETE_AGENT = f"""mutation ($input: DeleteAgentInput!) {{ deleteAgent(input: $input) {{
  __typename ... on DeleteAgentSuccess {{ agent {{ id }} }} {ERROR_FIELDS}
  ... on InUse {{ usedBy }} }} }}"""
CREATE_TOOL = f"""mutation ($input: CreateToolInput!) {{ createTool(input: $input) {{
  __typename ... on CreateToolSuccess {{ tool {{ id name parameters }} }} {ERROR_FIELDS} }} }}"""
CREATE_WORKFLOW = f"""mutation ($input: CreateWorkflowInput!) {{ createWorkflow(input: $input) {{
  __typename ... on CreateWorkflowSuccess {{ workflow {{ id slug revision }} }} {ERROR_FIELDS} }} }}"""
PUBLISH = f"""mutation ($input: PublishWorkflowInput!) {{ publishWorkflow(input: $input) {{
  __typename ... on PublishWorkflowSuccess {{ version {{ id number }} }} {ERROR_FIELDS}
  ... on NotPublishable {{ findings {{ code severity path message }} }} }} }}"""
START = f"""mutation ($input: StartCallInput!) {{ startCall(input: $input) {{
  __typename ... on StartCallSuccess {{ call {{ id state }} }} {ERROR_FIELDS} }} }}"""
SEND = f"""mutation ($input: SendMessageInput!) {{ sendMessage(input: $input) {{
  __typename ... on SendMessageSuccess {{ turnId }} {ERROR_FIELDS} }} }}"""
END = f"""mutation ($input: EndCallInput!) {{ endCall(input: $input) {{
  __typename ... on EndCallSuccess {{ call {{ id state endReason blame }} }} {ERROR_FIELDS} }} }}"""

LLM = {"provider": "scripted", "model": "rules", "options": {"rules": [{"says": "Hi."}]}}
GREETER = {"name": "greeter", "prompt": {"system": "Greet."}, "llm": LLM}
TABLES = ("agent", "tool", "workflow", "workflow_version", "call", "call_event", "call_command")


async def mutate(api: Api, document: str, /, **fields: Any) -> Any:
    response = await api.execute(document, variables={"input": fields})
    assert "errors" not in response, response
    [result] = response["data"].values()
    return result


async def all_rows(settings: Settings) -> list[Any]:
    """All rows of the tables that mutations change."""
    db = await asyncpg.connect(settings.database_url)
    rows = [await db.fetch(f"select * from {table} order by 1, 2") for table in TABLES]
    await db.close()
    return rows
