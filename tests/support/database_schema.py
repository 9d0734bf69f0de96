"""The schema of a database in a form that can be compared."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

GRANTS = """(select string_agg(grantee::regrole::text || ': ' || privilege_type, ', '
                    order by grantee::regrole::text, privilege_type)
               from aclexplode(coalesce({acl}, acldefault('{kind}', {owner}))))"""
SCHEMA = f"""
    select 'schema' as what, {GRANTS.format(acl="nspacl", kind="n", owner="nspowner")} as definition
      from pg_namespace where oid = 'public'::regnamespace
    union all
    select 'table ' || relname, concat_ws('; ', relkind, 'owner ' || relowner::regrole,
           'security ' || relrowsecurity, 'forced ' || relforcerowsecurity, reloptions,
           {GRANTS.format(acl="relacl", kind="r", owner="relowner")})
      from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'S')
    union all
    select 'column ' || c.relname || '.' || attname, concat_ws('; ',
           format_type(atttypid, atttypmod), 'not null ' || attnotnull,
           'identity ' || attidentity::text,
           'default ' || pg_get_expr(d.adbin, d.adrelid))
      from pg_attribute a
      join pg_class c on c.oid = a.attrelid
      left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
       and a.attnum > 0 and not a.attisdropped
    union all
    select 'constraint ' || conrelid::regclass || '.' || conname,
           pg_get_constraintdef(oid) || '; valid ' || convalidated
      from pg_constraint where connamespace = 'public'::regnamespace
    union all
    select 'index ' || c.relname, pg_get_indexdef(c.oid) || '; valid ' || indisvalid
      from pg_index i join pg_class c on c.oid = i.indexrelid
     where c.relnamespace = 'public'::regnamespace
    union all
    select 'trigger ' || tgrelid::regclass || '.' || tgname,
           pg_get_triggerdef(oid) || '; enabled ' || tgenabled::text
      from pg_trigger where not tgisinternal
    union all
    select 'policy ' || tablename || '.' || policyname,
           concat_ws('; ', permissive, roles, cmd, 'using ' || qual, 'check ' || with_check)
      from pg_policies where schemaname = 'public'
    union all
    select 'function ' || oid::regprocedure, concat_ws('; ', pg_get_functiondef(oid),
           'owner ' || proowner::regrole, {GRANTS.format(acl="proacl", kind="f", owner="proowner")})
      from pg_proc where pronamespace = 'public'::regnamespace
"""


@asynccontextmanager
async def connected(url: str, **settings: str) -> AsyncIterator[Any]:
    """A connection; `role` among the settings makes it one of that role."""
    connection = await asyncpg.connect(url, server_settings=settings)
    try:
        yield connection
    finally:
        await connection.close()


async def schema_of(url: str) -> dict[str, str]:
    """Tables, columns, constraints, indexes, triggers, policies, functions, owners and grants.
    White space does not count, and neither does the order of columns."""
    async with connected(url) as db:
        rows = await db.fetch(SCHEMA)
    return {row["what"]: " ".join(row["definition"].split()).replace(" ;", ";") for row in rows}
