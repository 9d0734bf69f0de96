"""Sign-in with identity providers, and second factors"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.sql_files import run_sql_files

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

TABLES = (
    "recovery_code",
    "totp",
    "logout_token",
    "sign_in_handoff",
    "federated_session",
    "federated_identity",
    "identity_provider",
)
TENANT = ["tenant_id"]
MEMBER = ["tenant_id", "person_id"]


def upgrade() -> None:
    create_identity_provider()
    create_federated_identity()
    create_federated_session()
    create_sign_in_handoff()
    create_logout_token()
    create_totp()
    run_sql_files("0021_sign_in.sql")


def create_identity_provider() -> None:
    op.create_table(
        "identity_provider",
        _column("id", sa.Uuid()),
        _column("name", sa.Text()),
        _column("revision", sa.Integer()),
        _column("spec", JSONB()),
        _timestamp("created_at"),
        _timestamp("updated_at"),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        _column("tenant_id", sa.Uuid()),
        _key("identity_provider", TENANT, "tenant.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_provider")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_identity_provider_tenant_id_name")),
    )
    _index("identity_provider", "tenant_id", "created_at", "id")


def create_federated_identity() -> None:
    op.create_table(
        "federated_identity",
        _column("tenant_id", sa.Uuid()),
        _column("issuer", sa.Text()),
        _column("subject", sa.Text()),
        _column("person_id", sa.Uuid()),
        _timestamp("created_at"),
        _key("federated_identity", MEMBER, "membership.tenant_id", "membership.person_id"),
        _key("federated_identity", TENANT, "tenant.id"),
        sa.PrimaryKeyConstraint(
            "tenant_id", "issuer", "subject", name=op.f("pk_federated_identity")
        ),
    )
    _index("federated_identity", "tenant_id", "person_id")


def create_federated_session() -> None:
    op.create_table(
        "federated_session",
        _column("session_id", sa.Uuid()),
        _column("provider_id", sa.Uuid()),
        _column("subject", sa.Text()),
        sa.Column("provider_session", sa.Text(), nullable=True),
        _column("tenant_id", sa.Uuid()),
        _key("federated_session", ["session_id"], "session.id"),
        _key("federated_session", ["provider_id"], "identity_provider.id"),
        _key("federated_session", TENANT, "tenant.id"),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_federated_session")),
    )
    _index("federated_session", "provider_id", "subject")
    _index("federated_session", "provider_id", "provider_session")
    _index("federated_session", "tenant_id")


def create_sign_in_handoff() -> None:
    op.create_table(
        "sign_in_handoff",
        _column("hash", sa.LargeBinary()),
        _column("provider_id", sa.Uuid()),
        _column("subject", sa.Text()),
        sa.Column("provider_session", sa.Text(), nullable=True),
        _column("sealed", sa.LargeBinary()),
        _timestamp("created_at"),
        _column("expires_at", sa.DateTime(timezone=True)),
        _column("tenant_id", sa.Uuid()),
        _key("sign_in_handoff", ["provider_id"], "identity_provider.id"),
        _key("sign_in_handoff", TENANT, "tenant.id"),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_sign_in_handoff")),
    )
    _index("sign_in_handoff", "provider_id", "subject")
    _index("sign_in_handoff", "tenant_id")
    _index("sign_in_handoff", "expires_at")


def create_logout_token() -> None:
    op.create_table(
        "logout_token",
        _column("provider_id", sa.Uuid()),
        _column("hash", sa.LargeBinary()),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("provider_session", sa.Text(), nullable=True),
        _timestamp("created_at"),
        _column("expires_at", sa.DateTime(timezone=True)),
        _column("tenant_id", sa.Uuid()),
        _key("logout_token", ["provider_id"], "identity_provider.id"),
        _key("logout_token", TENANT, "tenant.id"),
        sa.PrimaryKeyConstraint("provider_id", "hash", name=op.f("pk_logout_token")),
    )
    _index("logout_token", "tenant_id")
    _index("logout_token", "expires_at")


def create_totp() -> None:
    op.create_table(
        "totp",
        _column("person_id", sa.Uuid()),
        _column("sealed", sa.LargeBinary()),
        _column("key_id", sa.Text()),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.Column("failed_attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=True),
        _timestamp("created_at"),
        _key("totp", ["person_id"], "person.id"),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_totp")),
    )
    op.create_table(
        "recovery_code",
        _column("person_id", sa.Uuid()),
        _column("digest", sa.LargeBinary()),
        _key("recovery_code", ["person_id"], "totp.person_id"),
        sa.PrimaryKeyConstraint("person_id", "digest", name=op.f("pk_recovery_code")),
    )


def downgrade() -> None:
    run_sql_files("0021_undo_sign_in.sql")
    for table in TABLES:
        op.drop_table(table)


def _column(name: str, kind: sa.types.TypeEngine[object]) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=False)


def _timestamp(name: str) -> sa.Column[sa.DateTime]:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _index(table: str, *columns: str) -> None:
    op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns))


def _key(table: str, columns: list[str], *target: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{'_'.join(columns)}")
    return sa.ForeignKeyConstraint(columns, list(target), name=name, ondelete="CASCADE")
