"""Second factors: one-time codes that work once, recovery codes, and what guessing leads to."""

from __future__ import annotations

import asyncio
import base64
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.common.errors import (
    DecryptionKeyMissing,
    RateLimited,
    SecondFactorRequired,
    Unauthenticated,
)
from domain.common.settings import Settings
from domain.common.tasks import background_task
from domain.ports import Services
from domain.sign_in.totp import time_step, totp_code
from domain.tenants.members import Device
from domain.use_cases.accounts import login
from persistence.audit_recorder import AuditRecorder
from persistence.database import DbRole
from persistence.sqlalchemy_engine import create_engine
from persistence.wiring import api_services
from tests.api.test_accounts import execute
from tests.api.test_members import other_owner
from tests.api.test_passwords import admin
from tests.support.api_server import Api
from tests.support.people import (
    ACCEPT,
    LOGIN,
    PASSWORD,
    SignedIn,
    an_email,
    invited,
    new_member,
    owner_at,
    visitor_at,
)

__all__ = ["other_owner"]

pytestmark = pytest.mark.anyio

STATE = "{ viewer { secondFactor { isActive recoveryCodesLeft } } }"
ENROL = """mutation ($input: EnrolTotpInput!) { enrolTotp(input: $input) {
  __typename ... on EnrolTotpSuccess { secret uri } ... on Error { code path } } }"""
CONFIRM = """mutation ($input: ConfirmTotpInput!) { confirmTotp(input: $input) {
  __typename ... on RecoveryCodesSuccess { recoveryCodes } ... on Error { code path } } }"""
REPLACE = """mutation ($input: ReplaceRecoveryCodesInput!) { replaceRecoveryCodes(input: $input) {
  __typename ... on RecoveryCodesSuccess { recoveryCodes } ... on Error { code path } } }"""
REMOVE = """mutation ($input: RemoveTotpInput!) { removeTotp(input: $input) {
  __typename ... on RemoveTotpSuccess { secondFactor { isActive recoveryCodesLeft } }
  ... on Error { code path } } }"""
MAX_DELAY = timedelta(seconds=15)
"""The longest time from making a code to its check."""
RECOVERY_CODE = re.compile(r"[a-z2-7]{4}(-[a-z2-7]{4}){3}")


@pytest.fixture
async def owner(api: Api) -> SignedIn:
    return owner_at(api)


class App:
    """An authenticator app. Each code is for another time step, as a code works once."""

    def __init__(self, secret: str) -> None:
        self.secret = base64.b32decode(secret)
        self.last = 0

    def code(self, behind: int = 0) -> str:
        return totp_code(self.secret, time_step(datetime.now(UTC)) - behind)

    async def next_code(self) -> str:
        """The code of the first step after the last one that is still accepted when it arrives. That of
        the next step is accepted early."""
        self.last = max(time_step(datetime.now(UTC) + MAX_DELAY) - 1, self.last + 1)
        while self.last > time_step(datetime.now(UTC)) + 1:  # noqa: ASYNC110 - it is the clock
            await asyncio.sleep(1)
        return totp_code(self.secret, self.last)


async def enrolled(person: SignedIn) -> tuple[App, list[str]]:
    result = await person.run(ENROL, currentPassword=PASSWORD)
    assert result["__typename"] == "EnrolTotpSuccess", result
    app = App(result["secret"])
    confirmed = await person.run(CONFIRM, code=await app.next_code())
    return app, list(confirmed["recoveryCodes"])


async def log_in(api: Api, email: str, **more: Any) -> Any:
    return await visitor_at(api).run(LOGIN, email=email, password=PASSWORD, **more)


async def state_of(person: SignedIn) -> Any:
    return (await person.execute(STATE))["data"]["viewer"]["secondFactor"]


async def test_a_person_signs_in_with_password_and_code(api: Api, owner: SignedIn) -> None:
    email = an_email()
    ada = await new_member(owner, "EDITOR", email)
    assert await state_of(ada) == {"isActive": False, "recoveryCodesLeft": 0}
    begun = await ada.run(ENROL, currentPassword=PASSWORD)
    assert begun["uri"].startswith("otpauth://totp/Agent%20Studio%3A")
    # Nothing is asked for until the app has shown that it has the secret.
    assert (await log_in(api, email))["__typename"] == "LoginSuccess"
    assert (await ada.run(CONFIRM, code="000000x"))["code"] == "UNAUTHENTICATED"
    app, codes = await enrolled(ada)
    assert len(set(codes)) == 10
    assert all(RECOVERY_CODE.fullmatch(code) for code in codes)
    assert await state_of(ada) == {"isActive": True, "recoveryCodesLeft": 10}
    asked = await log_in(api, email)
    assert (asked["code"], asked["path"]) == ("SECOND_FACTOR_REQUIRED", ["input", "code"])
    code = await app.next_code()
    assert (await log_in(api, email, code=f"{code[:3]} {code[3:]}"))["accessToken"]
    # A wrong password reveals nothing about the second factor.
    wrong = await visitor_at(api).run(LOGIN, email=email, password="wrong" * 4)
    assert wrong["code"] == "UNAUTHENTICATED"
    assert await ada.code(ENROL, currentPassword=PASSWORD) == "SECOND_FACTOR_ACTIVE"


async def failures_in_log(owner: SignedIn) -> list[dict[str, Any]]:
    log = "{ auditLog(filter: {kinds: [SIGN_IN_FAILED]}) { edges { node { details } } } }"
    edges = (await owner.execute(log))["data"]["auditLog"]["edges"]
    return [edge["node"]["details"] for edge in edges]


async def test_a_right_password_without_the_code_is_in_the_log_if_no_sign_in_follows(
    api: Api, services: Services, settings: Settings, owner: SignedIn
) -> None:
    email = an_email()
    app, _ = await enrolled(await new_member(owner, "EDITOR", email))
    engine = create_engine(settings.database_url, DbRole.API)
    notes = AuditRecorder(services.store, engine, unfinished_seconds=0.0)

    watched = replace(services, audit_notes=notes)

    async def without_code(address: str) -> None:
        with pytest.raises(SecondFactorRequired):
            await login(watched, email, PASSWORD, Device(address=address))

    async with background_task(notes.run()):
        device = Device(address="192.0.2.1")
        await login(services, email, PASSWORD, device, code=await app.next_code())
        await without_code("192.0.2.1")
        await without_code("192.0.2.2")
        async with asyncio.timeout(60):
            while not await failures_in_log(owner):  # noqa: ASYNC110 - in background
                await asyncio.sleep(0.1)
        # Both are known by now, and a second entry would be there after this.
        await notes.flush()
        found = await failures_in_log(owner)
    await engine.dispose()
    assert found == [{"factor": "code", "code": "SECOND_FACTOR_REQUIRED"}]


async def test_a_code_works_once_and_no_earlier_one_after_it(api: Api, owner: SignedIn) -> None:
    email = an_email()
    ada = await new_member(owner, "EDITOR", email)
    app, _ = await enrolled(ada)
    code = await app.next_code()
    attempts = await asyncio.gather(*(log_in(api, email, code=code) for _ in range(3)))
    assert sorted(each["__typename"] for each in attempts) == [
        "InvalidCredentials",
        "InvalidCredentials",
        "LoginSuccess",
    ]
    for used in (code, totp_code(app.secret, app.last - 1)):
        assert (await log_in(api, email, code=used))["code"] == "UNAUTHENTICATED"


async def test_a_recovery_code_replaces_a_lost_device_once(api: Api, owner: SignedIn) -> None:
    email = an_email()
    ada = await new_member(owner, "EDITOR", email)
    _, codes = await enrolled(ada)
    assert (await log_in(api, email, code=codes[0].upper()))["__typename"] == "LoginSuccess"
    assert (await log_in(api, email, code=codes[0]))["code"] == "UNAUTHENTICATED"
    assert (await state_of(ada))["recoveryCodesLeft"] == 9
    replaced = (await ada.run(REPLACE, code=codes[1]))["recoveryCodes"]
    assert len(replaced) == 10
    assert (await log_in(api, email, code=codes[2]))["code"] == "UNAUTHENTICATED"
    # The session alone is not enough to remove the second factor.
    assert (
        await ada.code(REMOVE, currentPassword="wrong" * 4, code=replaced[0]) == "UNAUTHENTICATED"
    )
    assert await ada.code(REMOVE, currentPassword=PASSWORD, code=codes[3]) == "UNAUTHENTICATED"
    assert (await state_of(ada))["isActive"]
    removed = await ada.run(REMOVE, currentPassword=PASSWORD, code=replaced[0])
    assert removed["secondFactor"] == {"isActive": False, "recoveryCodesLeft": 0}
    assert (await log_in(api, email))["__typename"] == "LoginSuccess"


async def test_guessing_slows_down_and_locks_no_owner_out(
    services: Services, settings: Settings, api: Api, owner: SignedIn
) -> None:
    """The attacker knows the password, has many networks, and asks many times at once."""
    email = an_email()
    ada = await new_member(owner, "EDITOR", email)
    app, codes = await enrolled(ada)
    wrong = "000000" if app.code() != "000000" else "000001"

    async def guess(number: int) -> type[BaseException]:
        device = Device(address=f"192.0.2.{number}")
        with pytest.raises((Unauthenticated, RateLimited)) as refused:
            await login(services, email, PASSWORD, device, code=wrong)
        return refused.type

    guesses = await asyncio.gather(*(guess(number) for number in range(12)))
    assert guesses.count(Unauthenticated) < 12
    assert guesses.count(Unauthenticated) >= 5
    delayed = await delay(services, email, wrong)
    assert "recovery code" in delayed.message
    assert 0 < delayed.retry_after <= 900
    # A recovery code is no guess, and works at once.
    device = Device(address="198.51.100.1")
    person, _ = await login(services, email, PASSWORD, device, code=codes[0])
    assert person.email == email
    # So does the code, once the delay is over; then failures are forgotten.
    await execute(settings, "update totp set attempted_at = now() - interval '1 hour'")
    await login(services, email, PASSWORD, device, code=await app.next_code())
    [row] = await execute(settings, "select failed_attempts from totp")
    assert row["failed_attempts"] == 0


async def delay(services: Services, email: str, wrong: str) -> RateLimited:
    for _ in range(100):
        try:
            await login(services, email, PASSWORD, Device(address="192.0.2.99"), code=wrong)
        except RateLimited as refused:
            return refused
        except Unauthenticated:
            pass
    raise AssertionError("no guess was delayed")


async def test_an_enrolment_expires_and_is_replaced_by_the_next(
    settings: Settings, owner: SignedIn
) -> None:
    ada = await new_member(owner, "EDITOR")
    first = App((await ada.run(ENROL, currentPassword=PASSWORD))["secret"])
    second = App((await ada.run(ENROL, currentPassword=PASSWORD))["secret"])
    assert await ada.code(CONFIRM, code=first.code()) == "UNAUTHENTICATED"
    await execute(settings, "update totp set created_at = now() - interval '1 hour'")
    assert await ada.code(CONFIRM, code=second.code()) == "SECOND_FACTOR_NOT_PENDING"
    assert (await state_of(ada))["isActive"] is False
    assert await ada.code(ENROL, currentPassword="wrong" * 4) == "UNAUTHENTICATED"


async def test_an_invitation_asks_a_person_for_their_second_factor(
    owner: SignedIn, other_owner: SignedIn
) -> None:
    email = an_email()
    app, _ = await enrolled(await new_member(owner, "EDITOR", email))
    token = await invited(other_owner, email, "VIEWER")
    visitor = visitor_at(owner.api)
    asked = await visitor.run(ACCEPT, token=token, password=PASSWORD)
    assert (asked["code"], asked["path"]) == ("SECOND_FACTOR_REQUIRED", ["input", "code"])
    accepted = await visitor.run(ACCEPT, token=token, password=PASSWORD, code=await app.next_code())
    assert accepted["__typename"] == "LoginSuccess"


async def test_an_api_key_has_no_second_factor(api: Api) -> None:
    key = SignedIn(api, api.key)
    assert await key.code(ENROL, currentPassword=PASSWORD) == "FORBIDDEN"
    assert await state_of(key) is None


async def test_second_factors_survive_a_rotation_of_the_secret_key(
    services: Services, settings: Settings, api: Api, owner: SignedIn
) -> None:
    email = an_email()
    ada = await new_member(owner, "EDITOR", email)
    app, codes = await enrolled(ada)
    newest = "n" * 40
    async with api_services(
        replace(settings, secret_key=f"{newest},{settings.secret_key}")
    ) as both:
        await login(both, email, PASSWORD, code=await app.next_code())
    # Its secret is encrypted under the newest entry since then.
    async with api_services(replace(settings, secret_key=newest)) as rotated:
        await login(rotated, email, PASSWORD, code=await app.next_code())
    with pytest.raises(DecryptionKeyMissing, match="recovery code"):
        await login(services, email, PASSWORD, code=app.code())
    await login(services, email, PASSWORD, code=codes[0])


async def test_an_operator_removes_the_second_factor_of_a_person_who_lost_it(
    settings: Settings, api: Api, owner: SignedIn
) -> None:
    email = an_email()
    await enrolled(await new_member(owner, "EDITOR", email))
    environ = {"DATABASE_URL": settings.database_url, "SECRET_KEY": settings.secret_key}
    done = await asyncio.to_thread(admin, "remove-totp", "--email", email, **environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert (await log_in(api, email))["__typename"] == "LoginSuccess"


async def test_the_api_cannot_read_secrets_from_their_table(settings: Settings) -> None:
    grants = await execute(
        settings,
        "select table_name from information_schema.role_table_grants "
        "where grantee = 'studio_api' and table_name in ('totp', 'recovery_code')",
    )
    assert grants == []
