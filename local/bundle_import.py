"""Sends a bundle to the API in as many requests as it needs.

A bundle that fits into one request is imported completely or not at all. A larger one is sent in
parts: first as drafts, and then, if none of the workflows has errors, to be published."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from domain.bundles.import_report import SettingsImport
from domain.common.findings import Severity
from local.client import ApiError, StudioClient

Json = dict[str, Any]

MAX_REQUEST_BYTES = 1024 * 1024 - 16 * 1024
"""The API accepts 1 MiB; the rest is for the GraphQL document."""
IMPORT_ORDER = ("settings", "tools", "agents", "workflows")
FINDING_FIELDS = "findings { code severity path message fix }"
IMPORT = f"""
mutation ($input: ImportBundleInput!) {{
  importBundle(input: $input) {{
    __typename
    ... on Error {{ message code path }}
    ... on NotPublishable {{ {FINDING_FIELDS} }}
    ... on NotConvertible {{ {FINDING_FIELDS} }}
    ... on ImportBundleSuccess {{
      dryRun
      report {{ path kind message }}
      workflows {{ slug published {{ id number }} }}
      versions {{ id }}
      {FINDING_FIELDS}
    }}
  }}
}}
"""


async def import_bundle(
    client: StudioClient,
    bundle: Json,
    *,
    publish: bool,
    dry_run: bool,
    settings: SettingsImport,
) -> Json:
    """The result of the import, or the error of the first part that was refused."""

    async def send(part: Json, publish: bool) -> Json:
        input = {"bundle": part, "publish": publish, "dryRun": dry_run, "settings": settings.value}
        try:
            [answer] = (await client.execute(IMPORT, {"input": input})).values()
        except ApiError as refused:
            if not answers:
                raise
            return {"message": str(refused), "code": refused.code}
        return dict(answer)

    answers: list[Json] = []
    parts = split_bundle(bundle)
    if len(parts) == 1:
        return await send(parts[0], publish)
    for part in parts:
        answer = await send(part, False)
        if "message" in answer:
            return _incomplete(answer) if answers and not dry_run else answer
        answers.append(answer)
    if publish and not dry_run:
        if _has_errors(answers):
            refusal = {"message": "Workflows have errors.", "code": "NOT_PUBLISHABLE"}
            return _incomplete({**refusal, "findings": _all(answers, "findings")})
        for index, part in enumerate(parts):
            if "workflows" in part:
                answer = await send({"workflows": part["workflows"]}, True)
                if "message" in answer:
                    return _incomplete(answer)
                answers[index] = {**answer, "report": answers[index]["report"]}
    result = {**answers[0]}
    for name in ("report", "workflows", "versions", "findings"):
        result[name] = _all(answers, name)
    if dry_run:
        # The API verified each part without the parts that a dry run does not save.
        result |= {"findings": [], "verified": False}
    return result


def split_bundle(bundle: Json) -> list[Json]:
    """The bundle in parts of which each fits into one request, in an order in which no part uses
    something of a later one."""
    parts: list[Json] = [{}]
    size = 0
    for kind, item in _items(bundle):
        item_size = len(json.dumps(item, ensure_ascii=False).encode()) + len(kind) + 8
        if size and size + item_size > MAX_REQUEST_BYTES:
            parts.append({})
            size = 0
        if kind == "settings":
            parts[-1][kind] = item
        else:
            parts[-1].setdefault(kind, []).append(item)
        size += item_size
    return parts


def _items(bundle: Json) -> Iterator[tuple[str, Any]]:
    for kind in IMPORT_ORDER:
        listed = bundle.get(kind, [])
        yield from ((kind, item) for item in ([listed] if isinstance(listed, dict) else listed))


def _incomplete(error: Json) -> Json:
    message = f"{error['message']} Other parts of the files have been imported."
    return {**error, "message": message, "incomplete": True}


def _has_errors(answers: Sequence[Json]) -> bool:
    return any(each["severity"] == Severity.ERROR for each in _all(answers, "findings"))


def _all(answers: Sequence[Json], name: str) -> list[Json]:
    return [each for answer in answers for each in answer.get(name, ())]
