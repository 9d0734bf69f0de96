"""Sessions that end at once, keys that tell their secret, and addresses that people sign in from"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ALL = "using (true) with check (true)"
MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"

FIND_SESSION = """
create function find_session(p_tenant uuid, p_user uuid, p_session uuid) returns text
language sql stable security definer set search_path = public, pg_temp as $$
    select u.role from app_user u
     where u.id = p_user and u.tenant_id = p_tenant
       and (p_session is null or exists (
            select from refresh_token r where r.family = p_session and r.user_id = u.id))
$$
"""
KNOWS_ADDRESS = """
create function knows_address(p_email text, p_networks bytea[], p_since timestamptz)
returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
    select exists (
        select from known_address k join app_user u on u.id = k.user_id
         where u.email = p_email and k.network = any(p_networks) and k.seen_at > p_since)
$$
"""
FUNCTIONS = (
    "find_session(uuid, uuid, uuid)",
    "knows_address(text, bytea[], timestamptz)",
)


def upgrade() -> None:
    op.add_column("api_key", sa.Column("key_id", sa.Text(), nullable=True))
    op.add_column("api_key", sa.Column("created_by", sa.Text(), nullable=True))
    op.create_table(
        "known_address",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("network", sa.LargeBinary(), nullable=False),
        sa.Column(
            "seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name="fk_known_address_tenant_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app_user.id"], name="fk_known_address_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "network", name="pk_known_address"),
    )
    op.create_index("ix_known_address_tenant_id", "known_address", ["tenant_id"])
    for statement in (
        "alter table known_address enable row level security",
        "alter table known_address force row level security",
        f"create policy tenant_only on known_address using ({MINE}) with check ({MINE})",
        f"create policy service_all on known_address to studio_service {ALL}",
        "grant select, insert, update, delete on known_address to studio_api, studio_service",
        FIND_SESSION,
        KNOWS_ADDRESS,
        # Owned by studio_service, so these look past row-level security.
        "grant create on schema public to studio_service",
        *(f"alter function {each} owner to studio_service" for each in FUNCTIONS),
        "revoke create on schema public from studio_service",
        *(f"revoke execute on function {each} from public" for each in FUNCTIONS),
        *(f"grant execute on function {each} to studio_api" for each in FUNCTIONS),
    ):
        op.execute(statement)


def downgrade() -> None:
    for each in FUNCTIONS:
        op.execute(f"drop function {each}")
    op.drop_table("known_address")
    op.drop_column("api_key", "created_by")
    op.drop_column("api_key", "key_id")
