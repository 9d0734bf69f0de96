"""Links to pages of the documentation: paths on the host of the API, which serves them."""

from __future__ import annotations

REPEATED = {"TENANT_SUSPENDED", "UNAUTHENTICATED"}
"""Codes with two rows in docs/api.md: as the error of a mutation, and as that of a request."""


def finding_docs(code: str) -> str:
    return f"/docs/findings#{code.lower()}"


def error_docs(code: str) -> str:
    """The link for the error of a mutation, an object of the result."""
    return f"/docs/api#{code.lower()}"


def request_error_docs(code: str) -> str:
    """The link for an entry of `errors`."""
    return error_docs(code) + ("-1" if code in REPEATED else "")
