"""The commands of `./studio admin` for the tenants and the operators of the installation."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.common.command_line import InvalidArguments, messages, table
from domain.common.errors import NotFound
from domain.common.lists import Window
from domain.common.problems import problems_of
from domain.common.quotas import QUOTA_NAMES
from domain.common.settings import Settings
from domain.tenants.lifecycle import (
    ManagedTenant,
    TenantChanges,
    TenantFilter,
    check_grace_days,
    check_reason,
    tenant_problems,
)
from persistence.database import DbRole
from persistence.key_ring import KeyRing
from persistence.sqlalchemy_engine import create_engine, driver_connection
from persistence.tenant_maintenance import CERTIFICATE_TYPE, ISSUER, remaining_rows
from persistence.tenants import OwnerKeyIssuer, SqlTenants

TENANT_COMMANDS = ("tenants", "tenant", "operators", "verify-deletion")
MAX_LISTED = 10_000
COLUMNS = ("SLUG", "NAME", "STATE", "CREATED", "DELETED ON", "QUOTAS", "ID")
SUBJECT = re.compile(r"(user|key):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
FIND_OPERATOR = """
    select 'user:' || id from person where email = lower(:name)
    union all
    select 'key:' || id from api_key
     where prefix = :name and revoked_at is null and (expires_at is null or expires_at > now())
"""
# Either a link to set the password of the new operator is there already and is deleted, or it is refused.
LOCK_PERSON = "select from person where 'user:' || id = :subject for update"
# An admin of the tenant may have created a link to set the password of the new operator.
DELETE_LINKS = """
    delete from password_reset where 'user:' || person_id = :subject and created_by is not null
"""
LIST_OPERATORS = """
    select o.subject, coalesce(p.email, k.name) as name,
           (select string_agg(t.slug, ' ' order by t.slug) from tenant t
             where t.id = k.tenant_id
                or t.id in (select m.tenant_id from membership m where m.person_id = p.id)) as slugs
      from installation_operator o
      left join person p on o.subject = 'user:' || p.id
      left join api_key k on o.subject = 'key:' || k.id
     where cast(:subject as text) is null or o.subject = :subject
     order by o.added_at, o.subject
"""


def add_tenant_commands(commands: Any) -> None:
    """Add the commands to those of the parser."""
    listing = commands.add_parser("tenants", help="list the tenants and the proofs of deletion")
    listing.add_argument("--json", action="store_true", help="machine-readable output")
    listing.add_argument("--deleted", action="store_true", help="list deleted tenants instead")
    tenant = commands.add_parser("tenant", help="create, change, suspend or delete a tenant")
    actions = tenant.add_subparsers(required=True, dest="action")
    _add_changing_actions(actions)
    operators = commands.add_parser(
        "operators", help="list who manages tenants through the API, or add or remove one"
    )
    operators.add_argument("change", nargs="?", choices=("add", "remove"), help="omit to list them")
    operators.add_argument(
        "subject",
        nargs="?",
        help="e-mail address of a user, prefix of an API key, `user:ID` or `key:ID`",
    )
    verify = commands.add_parser(
        "verify-deletion", help="check a certificate and that nothing of the tenant is left"
    )
    verify.add_argument(
        "certificate", type=_read_text, metavar="FILE", help="file with the certificate"
    )


def _add_changing_actions(actions: Any) -> None:
    create = actions.add_parser("create", help="create a tenant and print a key of its owner")
    create.add_argument("slug")
    create.add_argument("--name", help="display name (default: the slug)")
    _add_quotas(create)
    update = actions.add_parser("update", help="rename a tenant or change its quotas")
    update.add_argument("slug")
    update.add_argument("--slug", dest="new_slug", help="new slug")
    update.add_argument("--name", help="new display name")
    _add_quotas(update)
    suspend = actions.add_parser("suspend", help="refuse its credentials and end its calls")
    suspend.add_argument("slug")
    suspend.add_argument("--reason", required=True, help="why, for other operators")
    resume = actions.add_parser("resume", help="let it use the installation again")
    resume.add_argument("slug")
    delete = actions.add_parser("delete", help="suspend it now and delete it after some days")
    delete.add_argument("slug")
    delete.add_argument("--days", type=int, help="days of grace (default: TENANT_GRACE_DAYS)")
    delete.add_argument("--confirm", required=True, metavar="SLUG", help="the slug once more")
    restore = actions.add_parser("restore", help="cancel its deletion")
    restore.add_argument("slug")


def _add_quotas(parser: argparse.ArgumentParser) -> None:
    for name in QUOTA_NAMES:
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            metavar="N",
            help="a quota of its own; 0: no limit, default: that of the installation",
        )


async def run_tenant_command(
    settings: Settings, args: argparse.Namespace, issue_key: OwnerKeyIssuer
) -> str:
    """Run the command and return what it prints."""
    engine = create_engine(settings.owner_database_url, DbRole.SERVICE, 1)
    try:
        match args.command:
            case "tenants":
                return await _list(SqlTenants(engine, issue_key), args)
            case "tenant":
                return await _run_action(SqlTenants(engine, issue_key), settings, args)
            case "operators":
                return await _change_operators(engine, args)
            case _:
                return await _verify_deletion(engine, settings, args.certificate)
    finally:
        await engine.dispose()


# ---- tenants --------------------------------------------------------------------------------


async def _list(tenants: SqlTenants, args: argparse.Namespace) -> str:
    if args.deleted:
        deleted = (await tenants.deleted_page(None, Window(MAX_LISTED))).items
        rows = [
            {
                "slug": each.slug,
                "id": str(each.id),
                "deleted_at": each.deleted_at.isoformat(),
                "requested_by": each.requested_by,
                "deleted": dict(each.counts),
                "certificate": each.certificate,
            }
            for each in deleted
        ]
        return json.dumps(rows, indent=2)
    listed = (await tenants.page(None, Window(MAX_LISTED))).items
    if args.json:
        return json.dumps([_plain(tenant) for tenant in listed], indent=2)
    return "\n".join(table([COLUMNS, *(_line(tenant) for tenant in listed)]))


def _plain(tenant: ManagedTenant) -> Mapping[str, Any]:
    return {
        "slug": tenant.slug,
        "name": tenant.name,
        "id": str(tenant.id),
        "state": tenant.state.value,
        "created_at": tenant.created_at.isoformat(),
        "suspension_reason": tenant.suspension_reason,
        "delete_at": tenant.delete_at and tenant.delete_at.isoformat(),
        "quotas": dict(tenant.quotas),
    }


def _line(tenant: ManagedTenant) -> tuple[str, ...]:
    quotas = " ".join(f"{name}={value}" for name, value in sorted(tenant.quotas.items()))
    return (
        tenant.slug,
        tenant.name,
        tenant.state.value,
        _day(tenant.created_at),
        _day(tenant.delete_at),
        quotas or "-",
        str(tenant.id),
    )


def _day(at: datetime | None) -> str:
    return "-" if at is None else f"{at:%Y-%m-%d}"


async def _run_action(tenants: SqlTenants, settings: Settings, args: argparse.Namespace) -> str:
    if args.action == "create":
        return await _create(tenants, args)
    problems, changes = _problems_of_action(settings, args)
    if problems:
        raise InvalidArguments(problems)
    tenant = await _find(tenants, args.slug)
    actions: Mapping[str, Callable[[], Awaitable[ManagedTenant | None]]] = {
        "update": lambda: tenants.update(None, tenant.id, changes),
        "suspend": lambda: tenants.suspend(None, tenant.id, args.reason),
        "resume": lambda: tenants.resume(None, tenant.id),
        "delete": lambda: tenants.delete(None, tenant.id, _days(settings, args)),
        "restore": lambda: tenants.restore(None, tenant.id),
    }
    changed = await actions[args.action]()
    if changed is None:
        raise NotFound(f"The deletion of the tenant {args.slug!r} has begun.")
    return f"The tenant {changed.slug} is {_state(changed)}."


def _state(tenant: ManagedTenant) -> str:
    if tenant.delete_at is not None:
        return f"suspended and will be deleted on {tenant.delete_at:%Y-%m-%d at %H:%M} UTC"
    if tenant.suspended_at is not None:
        return f"suspended: {tenant.suspension_reason}"
    return "active"


async def _create(tenants: SqlTenants, args: argparse.Namespace) -> str:
    problems, quotas = _parse_quotas(args)
    name = args.name or args.slug
    changes = TenantChanges(slug=args.slug, name=name, quotas=quotas)
    problems += messages(tenant_problems(changes))
    if problems:
        raise InvalidArguments(problems)
    own = {quota: value for quota, value in quotas.items() if value is not None}
    tenant, key = await tenants.create(None, args.slug, name, own)
    return (
        f"The tenant {tenant.slug} was created. This API key of its owner is shown only now:\n{key}"
    )


def _problems_of_action(
    settings: Settings, args: argparse.Namespace
) -> tuple[list[str], TenantChanges]:
    changes = TenantChanges()
    problems: list[str] = []
    match args.action:
        case "update":
            problems, quotas = _parse_quotas(args)
            changes = TenantChanges(slug=args.new_slug, name=args.name, quotas=quotas or None)
            problems += messages(tenant_problems(changes))
        case "suspend":
            problems = messages(problems_of(check_reason, args.reason, ("--reason",)))
        case "delete":
            days = _days(settings, args)
            problems = messages(problems_of(check_grace_days, days, 0, ("--days",)))
            if args.confirm != args.slug:
                problems.append("--confirm must repeat the slug of the tenant.")
    return problems, changes


def _days(settings: Settings, args: argparse.Namespace) -> int:
    return settings.tenant_grace_days if args.days is None else args.days


def _parse_quotas(args: argparse.Namespace) -> tuple[list[str], dict[str, int | None]]:
    problems, quotas = [], dict[str, int | None]()
    for name in QUOTA_NAMES:
        value = getattr(args, name)
        if value is None:
            continue
        if value == "default":
            quotas[name] = None
        elif value.isdecimal():
            quotas[name] = int(value)
        else:
            option = f"--{name.replace('_', '-')}"
            problems.append(f"{option} must be a number or `default`, not {value!r}.")
    return problems, quotas


async def _find(tenants: SqlTenants, slug: str) -> ManagedTenant:
    found = (await tenants.page(None, Window(1), TenantFilter(slug=slug))).items
    if not found:
        raise InvalidArguments([f"There is no tenant {slug!r}."])
    return found[0]


# ---- operators ------------------------------------------------------------------------------


async def _change_operators(engine: AsyncEngine, args: argparse.Namespace) -> str:
    async with engine.begin() as db:
        if args.change is None:
            rows = await _operators(db, None)
            lines = [f"{row.subject}  {row.name or '-'}  {row.slugs or '-'}" for row in rows]
            return "\n".join(lines) or "There are no operators."
        subject = await _subject(db, args.subject)
        if args.change == "add":
            query = (
                "insert into installation_operator (subject) values (:subject) "
                "on conflict do nothing"
            )
        else:
            query = "delete from installation_operator where subject = :subject"
        await db.execute(text(LOCK_PERSON), {"subject": subject})
        changed = (await db.execute(text(query), {"subject": subject})).rowcount
        await db.execute(text(DELETE_LINKS), {"subject": subject})
        # Any tenant may have made the user with this address, so say which ones they belong to.
        who = [
            f": {row.name or 'unknown'}, tenants: {row.slugs or 'none'}"
            for row in await _operators(db, subject)
        ]
    if not changed:
        return f"{subject}: nothing to do."
    if args.change == "add":
        return f"{subject} is an operator{''.join(who)}."
    return f"{subject} is no operator any more."


async def _operators(db: AsyncConnection, subject: str | None) -> Sequence[Row[Any]]:
    """All operators, or one."""
    return (await db.execute(text(LIST_OPERATORS), {"subject": subject})).all()


async def _subject(db: Any, name: str | None) -> str:
    if name is None:
        raise InvalidArguments(["Name the user or the API key."])
    if SUBJECT.fullmatch(name):
        return name
    found = (await db.execute(text(FIND_OPERATOR), {"name": name.strip()})).scalars().all()
    if len(found) != 1:
        how_many = "no" if not found else "more than one"
        problem = (
            f"There is {how_many} user with this address or valid API key with this prefix: {name}. "
            "Name a key by its id: key:ID."
        )
        raise InvalidArguments([problem])
    return str(found[0])


# ---- proofs ---------------------------------------------------------------------------------


def _read_text(file: str) -> str:
    try:
        return Path(file).read_text().strip()
    except (OSError, UnicodeDecodeError):
        raise argparse.ArgumentTypeError(f"{file} cannot be read") from None


async def _verify_deletion(engine: AsyncEngine, settings: Settings, certificate: str) -> str:
    facts = read_certificate(KeyRing.from_secret_key(settings.secret_key), certificate)
    async with engine.connect() as db:
        remaining = await remaining_rows(await driver_connection(db), UUID(facts["sub"]))
    if remaining:
        tables = ", ".join(f"{name} ({count})" for name, count in sorted(remaining.items()))
        raise NotFound(f"The database has rows of the tenant again, in {tables}.")
    return (
        f"The certificate is valid: the tenant {facts['slug']} was deleted at {facts['deleted_at']}. "
        "The database has no rows of it."
    )


def read_certificate(ring: KeyRing, certificate: str) -> Mapping[str, Any]:
    """The facts of a certificate that this installation has signed. Raises `InvalidArguments`."""
    try:
        kid = str(jwt.get_unverified_header(certificate).get("kid"))
        facts: Mapping[str, Any] = jwt.decode(
            certificate, ring.verification_keys[kid], algorithms=["EdDSA"], issuer=ISSUER
        )
    except (jwt.PyJWTError, KeyError):
        raise InvalidArguments(
            ["This is not a certificate that was signed with a present entry of SECRET_KEY."]
        ) from None
    if facts.get("typ") != CERTIFICATE_TYPE:
        raise InvalidArguments(["This is not a certificate of a deletion."])
    return facts
