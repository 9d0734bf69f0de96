"""Errors that a client should handle, as data: one type for each of these errors in
`domain/common/errors.py`."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from enum import StrEnum
from typing import Any

import strawberry
from strawberry.types.field import StrawberryField

from domain.common import errors
from domain.sign_in.identity_providers import RefusalReason
from domain.telephony.dial_policy import DialRefusal
from domain.tenants.budgets import Budget
from graph.requests.docs_links import error_docs
from graph.schema.types.enums import describe_enum
from graph.schema.types.findings import Finding


class ErrorCode(StrEnum):
    """Machine-readable, stable code of an error."""

    INVALID_INPUT = "INVALID_INPUT"
    UNSUPPORTED_FORMAT = "UNSUPPORTED_FORMAT"
    NOT_FOUND = "NOT_FOUND"
    WORKFLOW_NOT_FOUND = "WORKFLOW_NOT_FOUND"
    DIAL_REFUSED = "DIAL_REFUSED"
    NAME_TAKEN = "NAME_TAKEN"
    NUMBER_TAKEN = "NUMBER_TAKEN"
    REVISION_CONFLICT = "REVISION_CONFLICT"
    IN_USE = "IN_USE"
    LAST_OWNER = "LAST_OWNER"
    ALREADY_MEMBER = "ALREADY_MEMBER"
    INVALID_TOKEN = "INVALID_TOKEN"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    WORKFLOW_NOT_PUBLISHED = "WORKFLOW_NOT_PUBLISHED"
    NOT_PUBLISHABLE = "NOT_PUBLISHABLE"
    NOT_CONVERTIBLE = "NOT_CONVERTIBLE"
    CALL_HAS_ENDED = "CALL_HAS_ENDED"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    PROVIDER_FAILED = "PROVIDER_FAILED"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    SIGN_IN_REFUSED = "SIGN_IN_REFUSED"
    SECOND_FACTOR_REQUIRED = "SECOND_FACTOR_REQUIRED"
    SECOND_FACTOR_ACTIVE = "SECOND_FACTOR_ACTIVE"
    SECOND_FACTOR_NOT_PENDING = "SECOND_FACTOR_NOT_PENDING"
    TENANT_SUSPENDED = "TENANT_SUSPENDED"


describe_enum(
    ErrorCode,
    "Machine-readable, stable code of an error.",
    INVALID_INPUT="An input value breaks a rule; `path` leads to it.",
    UNSUPPORTED_FORMAT="The configuration is in the format of another product.",
    NOT_FOUND="The object does not exist or belongs to another tenant.",
    WORKFLOW_NOT_FOUND="The workflow does not exist or belongs to another tenant.",
    DIAL_REFUSED="The number may not be dialled, or not now.",
    NAME_TAKEN="The name is already in use.",
    NUMBER_TAKEN="The telephone number is already in use in this installation.",
    REVISION_CONFLICT="The object was edited since you read it.",
    IN_USE="Other objects still refer to it.",
    LAST_OWNER="The tenant would have no owner.",
    ALREADY_MEMBER="The person belongs to the tenant already.",
    INVALID_TOKEN="The link was used or withdrawn, or it has expired.",
    IDEMPOTENCY_CONFLICT="The idempotency key was already used with other input.",
    WORKFLOW_NOT_PUBLISHED="The workflow has no published version.",
    NOT_PUBLISHABLE="Verification found errors in the workflow.",
    NOT_CONVERTIBLE="The import cannot read parts of a configuration in the legacy format.",
    CALL_HAS_ENDED="The call has already ended.",
    QUOTA_EXCEEDED="A budget or a quota of the tenant is exhausted.",
    PROVIDER_FAILED="A provider of the agent refused a request, or did not answer it.",
    UNAUTHENTICATED="The credential is missing, wrong or expired.",
    SIGN_IN_REFUSED="The identity provider vouches for the user, and the tenant does not admit them.",
    SECOND_FACTOR_REQUIRED="The password is right; a code of the second factor is needed as well.",
    SECOND_FACTOR_ACTIVE="The user already has a second factor.",
    SECOND_FACTOR_NOT_PENDING="No second factor of the user waits for its first code.",
    TENANT_SUSPENDED="The operator of the installation has suspended the tenant.",
)


@strawberry.interface(description="The operation failed and changed nothing.")
class Error:
    message: str = strawberry.field(
        description="Human-readable explanation: what is wrong and how to fix it."
    )
    code: ErrorCode = strawberry.field(description="Machine-readable, stable error code.")
    path: list[str] = strawberry.field(
        description=(
            'Path to the input value at fault, for instance `["input", "slug"]`; '
            "empty when no single value is."
        )
    )

    @strawberry.field(
        description=(
            "Where the documentation explains the code: a path on the host of the API, which serves the "
            "page, such as `/docs/api#name_taken`."
        )
    )
    def docs(self) -> str:
        return error_docs(self.code)


@strawberry.type(description="One input value that breaks a rule.")
class InputProblem:
    message: str = strawberry.field(
        description="Human-readable explanation: what is wrong and how to fix it."
    )
    path: list[str] = strawberry.field(description="Path to the input value at fault.")
    code: ErrorCode = strawberry.field(
        description=(
            "Machine-readable, stable code: `INVALID_INPUT` for a broken rule, `NOT_FOUND` for an id "
            "of nothing."
        )
    )


@strawberry.type(description="One or more input values break rules.")
class ValidationError(Error):
    problems: list[InputProblem] = strawberry.field(
        description=(
            "All input values that break a rule, of which `message` and `path` describe the first; at "
            "most 100."
        ),
    )


@strawberry.type(description="The configuration is in the format of another product.")
class UnsupportedFormat(Error):
    format: str = strawberry.field(description="Name of the product, for instance `Retell`.")


@strawberry.type(description="The object does not exist or belongs to another tenant.")
class NotFoundError(Error):
    pass


@strawberry.type(description="The workflow does not exist or belongs to another tenant.")
class WorkflowNotFound(Error):
    pass


@strawberry.type(description="Another object already has the name.")
class NameTaken(Error):
    pass


@strawberry.type(description="The telephone number is already in use in this installation.")
class NumberTaken(Error):
    pass


@strawberry.type(description="The number may not be dialled, or not now.")
class DialRefused(Error):
    reason: DialRefusal = strawberry.field(description="Why the number may not be dialled.")


@strawberry.type(
    description=("The object was edited since you read it; read it again and repeat the change.")
)
class RevisionConflict(Error):
    current: int = strawberry.field(description="Current revision of the object.")


@strawberry.type(description="Other objects still refer to this one.")
class InUse(Error):
    used_by: list[str] = strawberry.field(description="Names of the objects that refer to it.")


@strawberry.type(description="The tenant would have no active owner.")
class LastOwner(Error):
    pass


@strawberry.type(description="The person belongs to the tenant already.")
class AlreadyMember(Error):
    pass


@strawberry.type(description="The link is not valid: it was used or withdrawn, or it has expired.")
class InvalidToken(Error):
    pass


@strawberry.type(description="The idempotency key was already used with other input.")
class IdempotencyConflict(Error):
    pass


@strawberry.type(description="The workflow has no published version yet.")
class WorkflowNotPublished(Error):
    pass


@strawberry.type(description="Verification found errors in the workflow.")
class NotPublishable(Error):
    findings: list[Finding] = strawberry.field(
        description="All findings of the verification, warnings included."
    )


@strawberry.type(
    description="The import cannot read parts of a configuration in the legacy format."
)
class NotConvertible(Error):
    findings: list[Finding] = strawberry.field(
        description="Each part that has an effect on calls and cannot be converted."
    )


@strawberry.type(description="The call has already ended.")
class CallHasEnded(Error):
    pass


@strawberry.type(description="A budget or a quota of your tenant is exhausted.")
class QuotaExceeded(Error):
    budget: Budget = strawberry.field(description="The exhausted budget or quota.")
    used: float = strawberry.field(
        description=(
            "Amount used, in calls, minutes, dollars, objects or megabytes, depending on the budget."
        )
    )
    limit: float = strawberry.field(description="Limit of the budget, in the same unit as `used`.")
    resets_at: datetime | None = strawberry.field(
        description=(
            "When the budget resets (UTC); null when it frees up as soon as something ends or is deleted."
        )
    )


@strawberry.type(description="A provider of the agent refused a request, or did not answer it.")
class ProviderFailed(Error):
    provider: str = strawberry.field(description="Name of the provider in the catalog.")
    status: int | None = strawberry.field(
        description="HTTP status of the provider's response; null without a response."
    )


@strawberry.type(description="The e-mail address, the password or the token is not valid.")
class InvalidCredentials(Error):
    pass


@strawberry.type(
    description="The identity provider vouches for the user, and the tenant does not admit them."
)
class SignInRefused(Error):
    reason: RefusalReason = strawberry.field(description="Why the user is not admitted.")


@strawberry.type(
    description="The password is right. Sign in again with a code of your second factor."
)
class SecondFactorRequired(Error):
    pass


@strawberry.type(description="You have a second factor already; remove it first.")
class SecondFactorActive(Error):
    pass


@strawberry.type(description="No second factor waits for its first code; set it up again.")
class SecondFactorNotPending(Error):
    pass


class DomainErrorHandler:
    """Turns a domain error into data, on fields whose union contains its GraphQL type."""

    def __init__(self, exception: type[errors.DomainError], graphql_type: type[Error]) -> None:
        self.exception_type = exception
        self.error_type = graphql_type
        common = {field.name for field in dataclasses.fields(Error)}
        self._own = [f.name for f in dataclasses.fields(graphql_type) if f.name not in common]

    def handle(
        self, exception: errors.DomainError, *, field: StrawberryField, info: strawberry.Info
    ) -> Error:
        return self.error_type(
            message=exception.message,
            code=ErrorCode[exception.code],
            path=list(exception.path or ()),
            **{name: _fact(getattr(exception, name)) for name in self._own},
        )


def _fact(value: Any) -> Any:
    """The value of a field; GraphQL would raise problems, because they are exceptions."""
    if isinstance(value, tuple) and value and isinstance(value[0], errors.DomainError):
        return [
            InputProblem(
                message=each.message, path=list(each.path or ()), code=ErrorCode[each.code]
            )
            for each in value
        ]
    return value


HANDLERS = [
    DomainErrorHandler(errors.WorkflowNotFound, WorkflowNotFound),
    DomainErrorHandler(errors.UnsupportedFormat, UnsupportedFormat),
    DomainErrorHandler(errors.DialRefused, DialRefused),
    DomainErrorHandler(errors.InvalidInput, ValidationError),
    DomainErrorHandler(errors.NotFound, NotFoundError),
    DomainErrorHandler(errors.NameTaken, NameTaken),
    DomainErrorHandler(errors.NumberTaken, NumberTaken),
    DomainErrorHandler(errors.RevisionConflict, RevisionConflict),
    DomainErrorHandler(errors.InUse, InUse),
    DomainErrorHandler(errors.LastOwner, LastOwner),
    DomainErrorHandler(errors.AlreadyMember, AlreadyMember),
    DomainErrorHandler(errors.InvalidToken, InvalidToken),
    DomainErrorHandler(errors.IdempotencyConflict, IdempotencyConflict),
    DomainErrorHandler(errors.WorkflowNotPublished, WorkflowNotPublished),
    DomainErrorHandler(errors.NotPublishable, NotPublishable),
    DomainErrorHandler(errors.NotConvertible, NotConvertible),
    DomainErrorHandler(errors.CallHasEnded, CallHasEnded),
    DomainErrorHandler(errors.QuotaExceeded, QuotaExceeded),
    DomainErrorHandler(errors.ProviderFailed, ProviderFailed),
    DomainErrorHandler(errors.Unauthenticated, InvalidCredentials),
    DomainErrorHandler(errors.SignInRefused, SignInRefused),
    DomainErrorHandler(errors.SecondFactorRequired, SecondFactorRequired),
    DomainErrorHandler(errors.SecondFactorActive, SecondFactorActive),
    DomainErrorHandler(errors.SecondFactorNotPending, SecondFactorNotPending),
]
