"""Everything that can go wrong, on purpose.

DomainError
├── InvalidSetting            a process cannot start like this
│   └── WrongRole             the database gives it other rights than it should have
├── Unauthenticated           no, a wrong or an expired credential
│   └── CredentialExpired     it was good once: get a new one and try again
├── Forbidden                 the credential lacks a scope
├── InvalidInput              a value breaks a rule; `path` names it
├── NotFound                  no such thing for this tenant
│   └── WorkflowNotFound
├── Conflict
│   ├── NameTaken
│   ├── RevisionConflict      somebody else edited it meanwhile
│   ├── InUse                 others still refer to it
│   ├── IdempotencyConflict   same key, other input
│   ├── WorkflowNotPublished
│   ├── NotPublishable        the workflow has findings
│   ├── CallHasEnded
│   └── InvalidTransition     a call cannot go there from where it is
├── RateLimited
├── QuotaExceeded             a budget of the tenant is used up
├── InvalidCursor             not a cursor of this call
├── CursorExpired             the history it points into was rewound
├── VaultLocked              credentials are sealed under a key that is not at hand
└── Unavailable               a store is down; retrying may help
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from domain.common.findings import Finding

Path = tuple[str, ...]


class DomainError(Exception):
    """A rule said no. `code` is the stable name clients branch on, `path` leads to the input."""

    code: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, path: Path = ()) -> None:
        super().__init__(message)
        self.message = message
        self.path = path


class InvalidSetting(DomainError):
    code = "INVALID_SETTING"


class WrongDatabaseRole(InvalidSetting):
    pass


class Unauthenticated(DomainError):
    code = "UNAUTHENTICATED"


class CredentialExpired(Unauthenticated):
    pass


class Forbidden(DomainError):
    code = "FORBIDDEN"


class InvalidInput(DomainError):
    code = "INVALID_INPUT"


class NotFound(DomainError):
    code = "NOT_FOUND"


class WorkflowNotFound(NotFound):
    code = "WORKFLOW_NOT_FOUND"


class Conflict(DomainError):
    code = "CONFLICT"


class NameTaken(Conflict):
    code = "NAME_TAKEN"


class RevisionConflict(Conflict):
    code = "REVISION_CONFLICT"

    def __init__(self, message: str, path: Path = (), *, current: int) -> None:
        super().__init__(message, path)
        self.current = current


class InUse(Conflict):
    code = "IN_USE"

    def __init__(self, message: str, path: Path = (), *, used_by: tuple[str, ...]) -> None:
        super().__init__(message, path)
        self.used_by = used_by


class IdempotencyConflict(Conflict):
    code = "IDEMPOTENCY_CONFLICT"


class WorkflowNotPublished(Conflict):
    code = "WORKFLOW_NOT_PUBLISHED"


class NotPublishable(Conflict):
    code = "NOT_PUBLISHABLE"

    def __init__(self, message: str, path: Path = (), *, findings: tuple[Finding, ...]) -> None:
        super().__init__(message, path)
        self.findings = findings


class CallHasEnded(Conflict):
    code = "CALL_HAS_ENDED"


class InvalidTransition(Conflict):
    code = "INVALID_TRANSITION"


class DecryptionKeyMissing(DomainError):
    code = "VAULT_LOCKED"


class RateLimited(DomainError):
    code = "RATE_LIMITED"

    def __init__(self, message: str, path: Path = (), *, retry_after: float) -> None:
        super().__init__(message, path)
        self.retry_after = retry_after


class QuotaExceeded(DomainError):
    code = "QUOTA_EXCEEDED"

    def __init__(
        self,
        message: str,
        path: Path = (),
        *,
        budget: str,
        used: float,
        limit: float,
        resets_at: datetime | None,
    ) -> None:
        super().__init__(message, path)
        self.budget = budget
        self.used = used
        self.limit = limit
        self.resets_at = resets_at


class InvalidCursor(DomainError):
    code = "INVALID_CURSOR"


class CursorExpired(DomainError):
    code = "CURSOR_EXPIRED"


class Unavailable(DomainError):
    code = "UNAVAILABLE"
