"""Rules for new passwords, the validity of old ones, and the checks of `bootstrap`."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from argon2 import PasswordHasher

from domain.common.command_line import InvalidArguments
from domain.common.errors import RateLimited
from domain.common.settings import Settings
from domain.ports import Services
from domain.tenants.passwords import MIN_LENGTH, password_problems
from domain.use_cases.accounts import reset_password
from local.private_files import load_or_create_secret
from persistence.admin import bootstrap
from persistence.passwords import PasswordVerifier, hash_password, verify_password
from tests.support.viewers import PASSWORD

pytestmark = pytest.mark.anyio
KNOWN = ("owner@acme-clinic.example", "acme-clinic")
GOOD = (
    PASSWORD,
    "the quick brown fox jumps",
    "öäüß éèê ñ çø å 東京大阪",
    "k8#mQ!zv2&Lw0*rX",
    "my acme-clinic has a green door",
)
GUESSABLE = (
    "acme-clinic-acme-clinic",
    "owner@acme-clinic.example",
    "Owner Acme Clinic 1",
    "Agent Studio 2026",
    "passwordpassword1",
    "aaaaaaaaaaaaaaaaaaaa",
    "abcabcabcabcabcabc",
    "123456789012345",
    "qwertyuiopasdfgh",
    "zyxwvutsrqponmlk",
    "correct horse battery staple",
)


@pytest.mark.parametrize("password", GOOD)
def test_any_characters_and_any_words_are_accepted(password: str) -> None:
    assert password_problems(password, KNOWN) == []


@pytest.mark.parametrize("password", GUESSABLE)
def test_passwords_that_are_easy_to_guess_are_refused(password: str) -> None:
    [problem] = password_problems(password, KNOWN)
    assert problem.startswith("The password is easy to guess: ")


def test_length_is_counted_in_normalized_characters() -> None:
    password = "grüne bäume üb"  # 14 characters, 17 when umlauts are two
    for form in ("NFC", "NFD"):
        [problem] = password_problems(unicodedata.normalize(form, password), KNOWN)
        assert f"it has 14 of at least {MIN_LENGTH} characters" in problem
        assert password_problems(unicodedata.normalize(form, password + "t"), KNOWN) == []
    [problem] = password_problems("".join(map(chr, range(0x4E00, 0x4E00 + 1_025))), KNOWN)
    assert problem == "The password is 1025 characters long; 1024 are allowed."
    assert "NUL" in password_problems(PASSWORD + "\x00", KNOWN)[0]


def test_a_password_matches_in_any_unicode_normal_form() -> None:
    composed, decomposed = (unicodedata.normalize(f, "süße Äpfel am Baum") for f in ("NFC", "NFD"))
    assert composed != decomposed
    assert verify_password(hash_password(decomposed), composed)
    assert verify_password(hash_password(composed), decomposed)
    # Hashes from before passwords were normalized.
    assert verify_password(PasswordHasher().hash(decomposed), decomposed)
    assert not verify_password(hash_password(composed), composed + "n")
    assert not verify_password("", composed)


def test_the_password_that_studio_generates_is_accepted(tmp_path: Path) -> None:
    assert (
        password_problems(load_or_create_secret(tmp_path / "owner"), ("owner@demo.local", "demo"))
        == []
    )


# ---- bootstrap ------------------------------------------------------------------------------


def admin(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-m", "persistence.admin", *words),
        check=False,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=250,
    )


async def everything(settings: Settings) -> list[Any]:
    db = await asyncpg.connect(settings.database_url)
    rows = [await db.fetch(f"select * from {table}") for table in ("tenant", "person", "api_key")]
    await db.close()
    return rows


async def test_bootstrap_reports_all_problems_at_once(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("a\n")
    done = admin(
        *("bootstrap", "--tenant", "Bad Slug'; drop", "--email", "not-an-email"),
        *("--password-file", str(tmp_path / "password")),
        *("--key-file", str(tmp_path / "nowhere" / "key")),
        DATABASE_URL=settings.database_url,
        SECRET_KEY="short",
    )
    assert (done.returncode, done.stdout) == (2, "")
    secret, key_file, tenant, email, password = done.stderr.splitlines()
    assert secret.startswith("SECRET_KEY must be 32 or more random characters")
    assert key_file == f"--key-file {tmp_path / 'nowhere' / 'key'} cannot be written."
    assert tenant.startswith("--tenant must start with a lower-case letter")
    assert email.startswith("--email must be an e-mail address, for instance owner@acme.example")
    assert password.startswith("The password is too short: it has 1 of at least 15 characters.")
    assert await everything(settings) == [[], [], []]


@pytest.mark.parametrize("content", [None, b"\xff\xfe no text"])
def test_an_unreadable_password_file_is_reported(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    account = ("--tenant", "acme", "--email", "o@acme.example")
    done = admin("bootstrap", *account, "--password-file", str(file))
    assert done.returncode == 2
    assert done.stderr.startswith(f"--password-file {file} ")
    assert done.stderr.count("\n") == 1


async def test_an_invalid_email_address_is_refused(settings: Settings) -> None:
    wrong = ["", "a", "a@", "@b.example", "a b@c.example", "a@b@c.example", "a@-b.example"]
    wrong += ["a@b..example", f"{'a' * 65}@b.example", f"a@{'b' * 64}.example", f"a@{'b.' * 130}c"]
    for email in wrong:
        with pytest.raises(InvalidArguments, match="^--email must be an e-mail address"):
            await bootstrap(settings, "acme", email, PASSWORD, None)
    assert await everything(settings) == [[], [], []]


async def test_existing_short_passwords_stay_valid(settings: Settings, services: Services) -> None:
    """The same holds for tenant names and e-mail addresses from before the rules."""
    await bootstrap(settings, "acme", "owner@acme.example", PASSWORD, None)
    db = await asyncpg.connect(settings.database_url)
    await db.execute("update tenant set slug = 'Acme & Sons'")
    await db.execute("update person set email = 'owner', password_hash = $1", hash_password("a"))
    await db.close()
    assert await services.accounts.authenticate_password("owner", "a") is not None
    await bootstrap(settings, "Acme & Sons", "owner", "a", None)
    with pytest.raises(InvalidArguments, match="too short"):
        await bootstrap(settings, "Acme & Sons", "owner", "b", None)
    assert await services.accounts.authenticate_password("owner", "a") is not None
    await bootstrap(settings, "Acme & Sons", "owner", PASSWORD, None)
    assert await services.accounts.authenticate_password("owner", PASSWORD) is not None
    assert await services.accounts.authenticate_password("owner", "a") is None


async def test_an_operator_creates_a_link_to_set_a_new_password(
    settings: Settings, services: Services
) -> None:
    await bootstrap(settings, "acme", "owner@acme.example", PASSWORD, None)
    environ = {
        "DATABASE_URL": settings.database_url,
        "SECRET_KEY": settings.secret_key,
        "PUBLIC_URL": "https://studio.acme.example",
    }
    unknown = admin("password-link", "--email", "ada@acme.example", **environ)
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert unknown.stderr == "No person has the address ada@acme.example.\n"
    done = admin("password-link", "--email", "Owner@acme.example", **environ)
    prefix, _, token = done.stdout.strip().rpartition("#reset=")
    assert prefix == "Valid once, for 30 minutes: https://studio.acme.example/studio/account/"
    await reset_password(services, token, "nine purple boats at noon")
    assert await services.accounts.authenticate_password("owner@acme.example", PASSWORD) is None


async def test_an_email_address_belongs_to_one_tenant(settings: Settings) -> None:
    await bootstrap(settings, "acme", "owner@acme.example", PASSWORD, None)
    before = await everything(settings)
    with pytest.raises(InvalidArguments, match="member of another tenant"):
        await bootstrap(settings, "other", "owner@acme.example", PASSWORD, None)
    assert await everything(settings) == before


# ---- the cost of hashing -------------------------------------------------------------------


@pytest.fixture
def busy() -> Iterator[PasswordVerifier]:
    passwords = PasswordVerifier(max_queued=0)
    yield passwords
    passwords.close()


async def test_sign_ins_beyond_the_hashing_capacity_are_asked_to_retry(
    busy: PasswordVerifier,
) -> None:
    with pytest.raises(RateLimited) as refused:
        await busy.verify(None, PASSWORD)
    assert refused.value.retry_after == 1.0
