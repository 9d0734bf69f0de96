"""Errors that a client must handle, as data. Each shows one error of `domain/common/errors.py`."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from enum import StrEnum
from typing import Any

import strawberry

from domain.common import errors
from domain.tenants.budgets import Budget
from graph.schema.types.enums import describe_enum
from graph.schema.types.findings import Finding


class ErrorCode(StrEnum):
    """What went wrong, as a stable name."""

    INVALID_INPUT = "INVALID_INPUT"
    NOT_FOUND = "NOT_FOUND"
    WORKFLOW_NOT_FOUND = "WORKFLOW_NOT_FOUND"
    NAME_TAKEN = "NAME_TAKEN"
    REVISION_CONFLICT = "REVISION_CONFLICT"
    IN_USE = "IN_USE"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    WORKFLOW_NOT_PUBLISHED = "WORKFLOW_NOT_PUBLISHED"
    NOT_PUBLISHABLE = "NOT_PUBLISHABLE"
    CALL_HAS_ENDED = "CALL_HAS_ENDED"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    UNAUTHENTICATED = "UNAUTHENTICATED"


describe_enum(
    ErrorCode,
    INVALID_INPUT="A value breaks a rule; `path` leads to it.",
    NOT_FOUND="There is no such thing.",
    WORKFLOW_NOT_FOUND="There is no such workflow.",
    NAME_TAKEN="The name is in use.",
    REVISION_CONFLICT="Somebody else edited it meanwhile.",
    IN_USE="Others still refer to it.",
    IDEMPOTENCY_CONFLICT="The key was used with other input.",
    WORKFLOW_NOT_PUBLISHED="The workflow has no published version.",
    NOT_PUBLISHABLE="Verification found errors.",
    CALL_HAS_ENDED="The call is over.",
    QUOTA_EXCEEDED="A budget of the tenant is used up.",
    UNAUTHENTICATED="The credential is no good.",
)


@strawberry.interface(description="Something that was not done, and why. Nothing has changed.")
class Error:
    message: str = strawberry.field(description="For people: what is wrong and what to do.")
    code: ErrorCode = strawberry.field(description="For programs: what is wrong.")
    path: list[str] = strawberry.field(
        description="Leads to the input that is meant, for instance input, slug."
    )


@strawberry.type(description="A value of the input breaks a rule.")
class ValidationError(Error):
    pass


@strawberry.type(description="There is no such thing, or it is not yours.")
class NotFoundError(Error):
    pass


@strawberry.type(description="There is no such workflow, or it is not yours.")
class WorkflowNotFound(Error):
    pass


@strawberry.type(description="Another one has that name.")
class NameTaken(Error):
    pass


@strawberry.type(description="It is no longer what you read: read it again, repeat the change.")
class RevisionConflict(Error):
    current: int = strawberry.field(description="The revision it is at now.")


@strawberry.type(description="Others refer to it.")
class InUse(Error):
    used_by: list[str] = strawberry.field(description="The names of those that refer to it.")


@strawberry.type(description="The idempotency key was used before, with other input.")
class IdempotencyConflict(Error):
    pass


@strawberry.type(description="The workflow has not been published yet.")
class WorkflowNotPublished(Error):
    pass


@strawberry.type(description="Verification found errors in the workflow.")
class NotPublishable(Error):
    findings: list[Finding] = strawberry.field(description="All that was found.")


@strawberry.type(description="The call is over.")
class CallHasEnded(Error):
    pass


@strawberry.type(description="A budget of your tenant is used up.")
class QuotaExceeded(Error):
    budget: Budget = strawberry.field(description="Which one.")
    used: float = strawberry.field(description="In calls, minutes or dollars, as the budget is.")
    limit: float = strawberry.field(description="In the same.")
    resets_at: datetime | None = strawberry.field(
        description="When there is more of it; null: as soon as a call ends."
    )


@strawberry.type(description="The address, the password or the token is no good.")
class InvalidCredentials(Error):
    pass


def _handler(caught: type[errors.DomainError], made: Any) -> Any:
    """Turns a domain error into data, on fields whose union has a type for it."""
    own = [f.name for f in dataclasses.fields(made) if f.name not in ("message", "code", "path")]

    class Handler:
        exception_type = caught
        error_type = made

        def handle(self, exception: errors.DomainError, *, field: Any, info: Any) -> Any:
            return made(
                message=exception.message,
                code=ErrorCode[exception.code],
                path=list(exception.path),
                **{name: getattr(exception, name) for name in own},
            )

    return Handler()


HANDLERS = [
    _handler(errors.WorkflowNotFound, WorkflowNotFound),
    _handler(errors.InvalidInput, ValidationError),
    _handler(errors.NotFound, NotFoundError),
    _handler(errors.NameTaken, NameTaken),
    _handler(errors.RevisionConflict, RevisionConflict),
    _handler(errors.InUse, InUse),
    _handler(errors.IdempotencyConflict, IdempotencyConflict),
    _handler(errors.WorkflowNotPublished, WorkflowNotPublished),
    _handler(errors.NotPublishable, NotPublishable),
    _handler(errors.CallHasEnded, CallHasEnded),
    _handler(errors.QuotaExceeded, QuotaExceeded),
    _handler(errors.Unauthenticated, InvalidCredentials),
]
