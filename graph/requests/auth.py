"""Reads the credential of a request, before anything else of the request is processed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import OperationDefinitionNode

from domain.audit.model import AuditKind, AuditNote
from domain.audit.origin import ANONYMOUS, Origin, acting_as, known_address
from domain.common.access import Viewer
from domain.common.errors import Unauthenticated
from domain.ports import AuditNotes
from graph.requests.complexity import fields_of
from graph.requests.document_cache import GraphQLDocument
from graph.requests.errors import graphql_error

PUBLIC_FIELDS = frozenset(
    {
        *("login", "refreshSession", "logout", "__typename"),
        *("receivedInvitation", "acceptInvitation", "requestPasswordReset", "resetPassword"),
        *("finishSignIn", "signInOptions"),
    }
)
"""Root fields that need no credential."""

CREDENTIAL_HINT = (
    "Send `Authorization: Bearer <access token or API key>` or `X-API-Key: <API key>`."
)


def credential_from_headers(headers: Mapping[str, str]) -> str | None:
    """The credential in the headers, which have lower-case names; None when there is none."""
    return _credential(headers.get("authorization"), headers.get("x-api-key"))


def credential_from_payload(payload: Mapping[str, Any]) -> str | None:
    """The credential in the payload of `connection_init`; None when there is none."""
    values = {name.lower(): value for name, value in payload.items() if isinstance(value, str)}
    return _credential(values.get("authorization"), values.get("apikey") or values.get("x-api-key"))


def require_allowed_address(notes: AuditNotes, viewer: Viewer, address: str) -> None:
    """Checked for every request, outside of all caches: the address is not that of the credential."""
    if viewer.may_connect_from(address):
        return
    refusal = Unauthenticated(
        "This API key may not be used from this address. An administrator can allow it."
    )
    with acting_as(origin_of(viewer, address)):
        notes.put(viewer.tenant_id, refusal_note(refusal.code, refusal.message))
    raise refusal


def origin_of(viewer: Viewer | None, address: str, request: str | None = None) -> Origin:
    """Who makes a request, and from where, for the audit log."""
    session = None if viewer is None else viewer.session_id
    return Origin(
        actor=ANONYMOUS if viewer is None else viewer.subject,
        tenant=None if viewer is None else str(viewer.tenant_id),
        session=None if session is None else str(session),
        address=known_address(address),
        request=request,
    )


def refusal_note(code: str, message: str) -> AuditNote:
    return AuditNote(kind=AuditKind.REFUSED, details={"code": code, "message": message})


def require_public_fields(document: GraphQLDocument) -> None:
    for operation in document.operations:
        for name in _root_fields(document, operation):
            if name not in PUBLIC_FIELDS:
                raise graphql_error(f"Sign in first. {CREDENTIAL_HINT}", Unauthenticated.code)


def _credential(authorization: str | None, key: str | None) -> str | None:
    if authorization is None:
        return key or None
    scheme, _, credential = authorization.partition(" ")
    if scheme.lower() != "bearer" or not credential.strip():
        raise Unauthenticated(f"The Authorization header is not valid. {CREDENTIAL_HINT}")
    return credential.strip()


def _root_fields(document: GraphQLDocument, operation: OperationDefinitionNode) -> set[str]:
    fields = fields_of(operation.selection_set, document.fragments)
    return {field.name.value for field in fields}
