"""The errors that the domain raises.

DomainError
├── InvalidSetting            a process cannot start with this setting
│   └── WrongDatabaseRole     the database role has other rights than the process needs
├── Unauthenticated           the credential is missing, invalid or expired
│   ├── CredentialExpired     the credential was valid once: get a new one and try again
│   ├── SignInFailed          what an identity provider answered is not to be trusted
│   │   └── DeniedByProvider  it reported an error instead of a user
│   └── TenantSuspended       the operator of the installation has suspended the tenant
├── SecondFactorRequired      the password is right, and the user has a second factor
├── SignInRefused             an identity provider vouches for the user, the tenant does not admit them
├── Forbidden                 the credential lacks a scope
├── InvalidInput              a value breaks a rule; `path` names it
│   ├── InvalidInputs         several values break rules
│   ├── DialRefused           the tenant may not dial this number, or not now
│   └── UnsupportedFormat     a configuration is in the format of another product
├── NotFound                  the tenant has no such object
│   └── WorkflowNotFound
├── Conflict
│   ├── NameTaken
│   ├── NumberTaken           a telephone number of the installation is in use
│   ├── RevisionConflict      someone else has edited the object since it was read
│   ├── InUse                 other objects still refer to it
│   ├── LastOwner             the tenant would have no owner
│   ├── AlreadyMember         the person belongs to the tenant already
│   ├── SecondFactorActive    the user already has a second factor
│   ├── SecondFactorNotPending  no second factor of the user waits for its first code
│   ├── IdempotencyConflict   the same key was used with other input
│   ├── WorkflowNotPublished
│   ├── NotPublishable        verification reported errors
│   ├── NotConvertible        an import cannot read parts of a configuration
│   ├── CallHasEnded
│   └── InvalidTransition     a call cannot go from its state to that one
├── RateLimited
├── QuotaExceeded             a budget or a quota of the tenant is exhausted
├── CallerRefused             a telephone number does not take calls of this attestation
├── ProviderFailed            a provider of the agent refuses a request or does not answer it
├── InvalidToken              a link was used, withdrawn or has expired
├── InvalidCursor             not a cursor of this call or list
├── CursorExpired             the history it points into was rewound
├── DecryptionKeyMissing      the key that encrypted the credentials is not configured
└── Unavailable               a server does not respond; retrying may help
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Self

from domain.common.findings import Finding

Path = tuple[str, ...]


class DomainError(Exception):
    """A rule rejected the request. `code` is the stable name that clients branch on.

    `path` points to the value at fault, within the spec or the arguments that the rule is about: it
    is () for all of them together, and None when no value is at fault."""

    code: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, path: Path | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.path = path

    def within(self, argument: str) -> Self:
        """A copy of the error, whose path starts with the argument that contains the value."""
        return self if self.path is None else self._copy(path=(argument, *self.path))

    def renamed(self, names: Mapping[Path, str]) -> Self:
        """A copy of the error that calls the value by the name by which the request gave it."""
        name = names.get(self.path or ())
        if name is None or not self.path:
            return self
        *around, old = self.path
        message = re.sub(rf"^{re.escape(old)}\b", name, self.message)
        return self._copy(path=(*around, name), message=message)

    def _copy(self, **changes: object) -> Self:
        error = type(self).__new__(type(self), *self.args)
        error.__dict__.update(self.__dict__, **changes)
        return error


class InvalidSetting(DomainError):
    code = "INVALID_SETTING"


class WrongDatabaseRole(InvalidSetting):
    pass


class Unauthenticated(DomainError):
    code = "UNAUTHENTICATED"


class CredentialExpired(Unauthenticated):
    pass


class SignInFailed(Unauthenticated):
    pass


class DeniedByProvider(SignInFailed):
    """`error` is the code of the OAuth error."""

    def __init__(self, error: str) -> None:
        super().__init__(f"The identity provider did not sign you in: {error}.", ())
        self.error = error


class TenantSuspended(Unauthenticated):
    code = "TENANT_SUSPENDED"


class SecondFactorRequired(DomainError):
    code = "SECOND_FACTOR_REQUIRED"


class SignInRefused(DomainError):
    code = "SIGN_IN_REFUSED"

    def __init__(self, message: str, path: Path | None = None, *, reason: str) -> None:
        super().__init__(message, path)
        self.reason = reason


class Forbidden(DomainError):
    code = "FORBIDDEN"


class InvalidInput(DomainError):
    code = "INVALID_INPUT"

    @property
    def problems(self) -> tuple[Problem, ...]:
        return (self,)


class InvalidInputs(InvalidInput):
    """Several values break rules, or refer to what does not exist. The message and the path are those
    of the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems[0].message, problems[0].path)
        self._problems = tuple(problems)

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self._problems

    def within(self, argument: str) -> InvalidInputs:
        return InvalidInputs([problem.within(argument) for problem in self._problems])

    def renamed(self, names: Mapping[Path, str]) -> InvalidInputs:
        return InvalidInputs([problem.renamed(names) for problem in self._problems])


class DialRefused(InvalidInput):
    code = "DIAL_REFUSED"

    def __init__(self, message: str, path: Path | None = None, *, reason: str) -> None:
        super().__init__(message, path)
        self.reason = reason


class UnsupportedFormat(InvalidInput):
    code = "UNSUPPORTED_FORMAT"

    def __init__(self, message: str, path: Path | None = None, *, format: str) -> None:
        super().__init__(message, path)
        self.format = format


class NotFound(DomainError):
    code = "NOT_FOUND"

    @property
    def problems(self) -> tuple[Problem, ...]:
        return (self,)


class WorkflowNotFound(NotFound):
    code = "WORKFLOW_NOT_FOUND"


Problem = InvalidInput | NotFound
"""What can be wrong with one value of an input."""


class Conflict(DomainError):
    code = "CONFLICT"


class NameTaken(Conflict):
    code = "NAME_TAKEN"


class NumberTaken(Conflict):
    code = "NUMBER_TAKEN"


class RevisionConflict(Conflict):
    code = "REVISION_CONFLICT"

    def __init__(self, message: str, path: Path | None = None, *, current: int) -> None:
        super().__init__(message, path)
        self.current = current


class InUse(Conflict):
    code = "IN_USE"

    def __init__(self, message: str, path: Path | None = None, *, used_by: tuple[str, ...]) -> None:
        super().__init__(message, path)
        self.used_by = used_by


class LastOwner(Conflict):
    code = "LAST_OWNER"


class AlreadyMember(Conflict):
    code = "ALREADY_MEMBER"


class SecondFactorActive(Conflict):
    code = "SECOND_FACTOR_ACTIVE"


class SecondFactorNotPending(Conflict):
    code = "SECOND_FACTOR_NOT_PENDING"


class IdempotencyConflict(Conflict):
    code = "IDEMPOTENCY_CONFLICT"


class WorkflowNotPublished(Conflict):
    code = "WORKFLOW_NOT_PUBLISHED"


class NotPublishable(Conflict):
    code = "NOT_PUBLISHABLE"

    def __init__(
        self, message: str, path: Path | None = None, *, findings: tuple[Finding, ...]
    ) -> None:
        super().__init__(message, path)
        self.findings = findings


class NotConvertible(Conflict):
    code = "NOT_CONVERTIBLE"

    def __init__(
        self, message: str, path: Path | None = None, *, findings: tuple[Finding, ...]
    ) -> None:
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

    def __init__(self, message: str, path: Path | None = None, *, retry_after: float) -> None:
        super().__init__(message, path)
        self.retry_after = retry_after


class QuotaExceeded(DomainError):
    code = "QUOTA_EXCEEDED"

    def __init__(
        self,
        message: str,
        path: Path | None = None,
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


class CallerRefused(DomainError):
    code = "CALLER_REFUSED"


class ProviderFailed(DomainError):
    """`status` is that of the HTTP response; None without one."""

    code = "PROVIDER_FAILED"

    def __init__(
        self,
        message: str,
        path: Path | None = None,
        *,
        provider: str,
        status: int | None = None,
    ) -> None:
        super().__init__(message, path)
        self.provider = provider
        self.status = status


class InvalidToken(DomainError):
    code = "INVALID_TOKEN"


class InvalidCursor(DomainError):
    code = "INVALID_CURSOR"


class CursorExpired(DomainError):
    code = "CURSOR_EXPIRED"


class Unavailable(DomainError):
    code = "UNAVAILABLE"
