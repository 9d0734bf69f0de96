"""Fuzz the API as each role: no operation causes a server error or shows data of another tenant.

./studio bench fuzz_api [ROLE ...] [--operations 20000] [--seconds 3600] [--seed N] [--json]

Starts servers of its own on this machine, and reaches no other. It ends by itself: after so many
operations or seconds for each role, or after five findings of a role."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.fuzzing.operations import Outcome, Target, fuzz_operations
from bench.harness.api import create_api_key, running_api
from bench.harness.benchmark import installation, new_owner
from domain.common.access import Role, TenantId
from domain.common.settings import Settings
from local.client import StudioClient
from local.demo import seed as create_demo

SCHEMA = Path(__file__).resolve().parent.parent / "schema.graphql"
FOREIGN_TEXT = "text-of-another-tenant"
NOWHERE = "http://127.0.0.1:9"
"""Where tests of credentials go, so that they reach no provider."""
PROVIDERS = ("OPENAI", "GOOGLE", "DEEPGRAM", "CARTESIA", "SARVAM")
WORDS = ("clinic", "reception", "booking", "book_appointment", "scripted", "+12025550123", "US")

ERROR = "... on Error { message code }"
FIND_IDS = """{
  agents { edges { node { id } } }
  tools { edges { node { id } } }
  workflows { edges { node { id published { id } } } }
  calls { edges { node { id } } }
  outboundTrunks { edges { node { id } } }
  inboundTrunks { edges { node { id } } }
  phoneNumbers { edges { node { id } } }
  roles { id }
  invitations { edges { node { id } } }
}"""
START_CALL = f"""mutation ($input: StartCallInput!) {{
  startCall(input: $input) {{ __typename {ERROR} }} }}"""
CREATE_AGENT = f"""mutation ($input: CreateAgentInput!) {{
  createAgent(input: $input) {{ __typename {ERROR} }} }}"""
CREATE_TOOL = f"""mutation ($input: CreateToolInput!) {{
  createTool(input: $input) {{ __typename {ERROR} }} }}"""
CREATE_TRUNK = f"""mutation ($input: CreateOutboundTrunkInput!) {{
  createOutboundTrunk(input: $input) {{ __typename {ERROR} }} }}"""

CREATE_ROLE = f"""mutation ($input: CreateRoleInput!) {{
  createRole(input: $input) {{ __typename {ERROR} }} }}"""
INVITE = f"""mutation ($input: InviteMemberInput!) {{
  inviteMember(input: $input) {{ __typename {ERROR} }} }}"""


async def create_objects(studio: StudioClient, text: str) -> list[str]:
    """Create the demo and objects that contain the text; return the ids of all objects."""
    await create_demo(studio, {})
    call = {"workflow": {"slug": "clinic"}, "userId": text, "metadata": {"note": text}}
    trunk = {"name": text, "address": "sip.carrier.example", "region": "US"}
    agent = {"name": text, "description": text, "prompt": {"system": text}}
    tool = {
        "name": text.replace("-", "_"),
        "description": text,
        "actions": [{"respond": {"message": text}}],
    }
    role = {"name": text, "description": text, "scopes": ["CALLS_READ"]}
    for document, fields in (
        (CREATE_ROLE, role),
        (INVITE, {"email": f"{text}@example.org", "role": text}),
        (START_CALL, call),
        (CREATE_TRUNK, trunk),
        (CREATE_AGENT, agent),
        (CREATE_TOOL, tool),
    ):
        await studio.mutate(document, {"input": fields})
    return _ids(await studio.execute(FIND_IDS))


def _ids(value: Any) -> list[str]:
    """All ids in a response."""
    if isinstance(value, dict):
        own = [value["id"]] if value.get("id") else []
        return own + [id for child in value.values() for id in _ids(child)]
    return [id for child in value for id in _ids(child)] if isinstance(value, list) else []


async def fuzz_role(
    settings: Settings, url: str, role: Role, foreign: Sequence[str], options: argparse.Namespace
) -> Outcome:
    """Fuzz as a role, in a new tenant."""
    tenant = (await new_owner(settings, f"fuzz-{role.lower()}")).tenant_id
    owner = StudioClient(url, await create_api_key(settings, tenant))
    own = await create_objects(owner, "own-text")
    key = await create_api_key(settings, tenant, role)
    target = Target(url, key, (*own, *foreign), (*WORDS, "own-text"), FOREIGN_TEXT)
    limits = (options.operations, options.seed, options.seconds)
    return await asyncio.to_thread(fuzz_operations, SCHEMA, target, *limits)


async def foreign_ids(settings: Settings, url: str) -> list[str]:
    tenant: TenantId = (await new_owner(settings, "foreign")).tenant_id
    studio = StudioClient(url, await create_api_key(settings, tenant))
    return await create_objects(studio, FOREIGN_TEXT)


async def run(options: argparse.Namespace) -> dict[str, Outcome]:
    providers = {f"{name}_BASE_URL": NOWHERE for name in PROVIDERS}
    outcomes: dict[str, Outcome] = {}
    async with (
        installation() as settings,
        running_api(settings, (await new_owner(settings)).tenant_id, None, **providers) as api,
    ):
        foreign = await foreign_ids(settings, api.url)
        for role in options.roles or Role:
            outcome = await fuzz_role(settings, api.url, role, foreign, options)
            outcomes[role] = outcome
            _print_outcome(role, outcome)
            if not api.process.is_running():
                print("    the API process has ended")
                break
    return outcomes


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="studio bench fuzz_api", description=__doc__)
    parser.add_argument(
        "roles",
        nargs="*",
        type=Role,
        metavar="ROLE",
        help=f"one or more of {', '.join(Role)}; all by default",
    )
    parser.add_argument("--operations", type=int, default=20_000, help="operations for each role")
    parser.add_argument("--seconds", type=float, default=3600.0, help="time limit for each role")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    print(f"fuzz_api: seed {options.seed}, {options.operations} operations for each role")
    outcomes = asyncio.run(run(options))
    if options.json:
        print(json.dumps({role: _figures(outcome) for role, outcome in outcomes.items()}))
    complete = all(outcome.operations >= options.operations for outcome in outcomes.values())
    return 0 if complete and not any(outcome.findings for outcome in outcomes.values()) else 1


def _print_outcome(role: str, outcome: Outcome) -> None:
    figures = _figures(outcome)
    print(
        f"  {role:<9} {figures['operations']:>7,} operations in {figures['seconds']:,.0f} s, "
        f"{figures['executed']:.0%} without errors, slowest {figures['slowest_ms']:.0f} ms, "
        f"{len(outcome.findings)} findings",
        flush=True,
    )
    print(f"    statuses {dict(outcome.statuses)}, codes {dict(outcome.codes.most_common())}")
    print(f"    slowest: {' '.join(outcome.slowest_document.split()):.300}")
    for finding in outcome.findings:
        print(f"    finding: {finding}")


def _figures(outcome: Outcome) -> dict[str, float]:
    return {
        "operations": outcome.operations,
        "executed": round(outcome.executed / max(outcome.operations, 1), 3),
        "seconds": round(outcome.seconds, 1),
        "slowest_ms": round(outcome.slowest * 1000, 1),
        "findings": len(outcome.findings),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
