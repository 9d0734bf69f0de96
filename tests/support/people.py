"""People who use the API in tests: each has a token and what they may ask for."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.support.api_server import Api
from tests.support.viewers import PASSWORD

__all__ = ["PASSWORD"]

INVITE = """mutation ($input: InviteMemberInput!) { inviteMember(input: $input) {
  __typename ... on InviteMemberSuccess { link invitation { id email role } }
  ... on Error { code message path } } }"""
ACCEPT = """mutation ($input: AcceptInvitationInput!) { acceptInvitation(input: $input) {
  __typename ... on LoginSuccess { accessToken refreshToken }
  ... on Error { code message path } } }"""
LOGIN = """mutation ($input: LoginInput!) { login(input: $input) {
  __typename ... on LoginSuccess { accessToken refreshToken } ... on Error { code message path } } }"""
CREATE_ROLE = """mutation ($input: CreateRoleInput!) { createRole(input: $input) {
  __typename ... on CreateRoleSuccess { role { id name scopes revision isBuiltIn } } ... on Error { code message path } } }"""
UPDATE_ROLE = """mutation ($input: UpdateRoleInput!) { updateRole(input: $input) {
  __typename ... on UpdateRoleSuccess { role { id scopes revision } } ... on Error { code message path } } }"""
DELETE_ROLE = """mutation ($input: DeleteRoleInput!) { deleteRole(input: $input) {
  __typename ... on InUse { usedBy } ... on Error { code message path } } }"""
VIEWER = """{ viewer { subject email scopes memberId person { id email name } tenant { id slug }
  memberships { role tenant { id slug } } } }"""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person with a session."""

    api: Api
    token: str
    refresh_token: str = ""

    async def execute(self, query: str, **variables: Any) -> Any:
        answer = await self.api.post(query, auth=False, variables=variables, headers=self.headers)
        return answer.json()

    async def run(self, query: str, **input: Any) -> Any:
        """The result of a mutation with one field."""
        answer = await self.execute(query, input=input)
        assert "errors" not in answer, answer
        [result] = answer["data"].values()
        return result

    async def code(self, query: str, **input: Any) -> str:
        """The code of the error that a mutation ends with, as data or not."""
        answer = await self.execute(query, input=input)
        if "errors" in answer:
            return str(answer["errors"][0]["extensions"]["code"])
        [result] = answer["data"].values()
        return str(result.get("code"))

    async def viewer(self) -> Any:
        return (await self.execute(VIEWER))["data"]["viewer"]

    async def status(self) -> int:
        return (
            await self.api.post("{ viewer { subject } }", auth=False, headers=self.headers)
        ).status_code

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    @property
    def with_token(self) -> Api:
        """The API with this person as its user, for sockets."""
        return replace(self.api, token=self.token)


def owner_at(api: Api) -> SignedIn:
    return SignedIn(api, api.token)


def visitor_at(api: Api) -> SignedIn:
    """Someone without a credential."""
    return Visitor(api, "")


class Visitor(SignedIn):
    @property
    def headers(self) -> dict[str, str]:
        return {}


async def new_role(by: SignedIn, name: str, *scopes: str) -> str:
    """Create a role of the tenant's own, and return its id."""
    result = await by.run(CREATE_ROLE, name=name, scopes=scopes)
    assert result["__typename"] == "CreateRoleSuccess", result
    return str(result["role"]["id"])


def an_email() -> str:
    """A random address, because limits are per address and tests share a Redis."""
    return f"p{secrets.token_hex(6)}@acme.example"


async def invited(by: SignedIn, email: str, role: str) -> str:
    """Invite the address and return the token of the link."""
    result = await by.run(INVITE, email=email, role=role)
    assert result["__typename"] == "InviteMemberSuccess", result
    return str(result["link"].rpartition("#invitation=")[2])


async def new_member(by: SignedIn, role: str, email: str | None = None) -> SignedIn:
    token = await invited(by, email or an_email(), role)
    result = await visitor_at(by.api).run(ACCEPT, token=token, password=PASSWORD, name="Ada")
    return SignedIn(by.api, result["accessToken"], result["refreshToken"])


async def signed_in_at(api: Api, email: str, password: str = PASSWORD, **more: Any) -> SignedIn:
    result = await visitor_at(api).run(LOGIN, email=email, password=password, **more)
    return SignedIn(api, result["accessToken"], result["refreshToken"])


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await true():  # noqa: ASYNC110 - the state is on the server
            await asyncio.sleep(0.05)


async def until_ended(person: SignedIn) -> None:
    async def ended() -> bool:
        return await person.status() == 401

    await until(ended)
