"""Requests that tools of older configs send, and the settings that named their servers."""

from __future__ import annotations

import re
from typing import Any

from domain.bundles.legacy.converter import Converter, Item
from domain.bundles.legacy.text import without_empty
from domain.common.errors import InvalidInput
from domain.tools.actions import Method
from domain.tools.http_validation import check_url

BASE_ENDPOINT = "api"
"""The endpoint that stands for the base URL of the other system's API config."""

_BASE = re.compile(r"\{\{\s*tenant\.settings\.(?:api_config\.base_url|base_url)\s*\}\}")
_NAMED = re.compile(r"\{\{\s*tenant\.settings\.endpoints\.([\w.]+?)(?:\.(?:url|path))?\s*\}\}")
_PATH_PARAMETER = re.compile(r"(?<!\{)\{([a-z_][a-z0-9_.]*)\}(?!\})", re.IGNORECASE)


def api_call(item: Item) -> list[dict[str, Any]]:
    """`webhook` named an endpoint and a payload, `api_call` has a URL, a method and a body."""
    to = item.converter
    where = _target(item)
    method = (item.text("method") or where.pop("method", None) or "POST").upper()
    payload = item.present_key("body", "payload", "data")
    body = to.value(item.take("body", "payload", "data"), item.at(payload))
    headers = to.item(item.take("headers"), item.at("headers")).take_rest
    retry = item.take("retry_count", "retries", "retry")
    made = {
        **where,
        **without_empty(
            method=method if method in list(Method) else "POST",
            headers={k: to.template(str(v), item.at("headers")) for k, v in headers.items()},
            query=to.value(item.take("query", "params"), item.at("query")),
            body=body,
            timeout=item.number("timeout", minimum=1, maximum=60)
            or _api_default(to, "timeout", 1, 60),
            retries=_api_default(to, "retry_count", 0, 5)
            if retry is None
            else _retries(item, retry),
            save=_save(item),
        ),
    }
    if not isinstance(made.get("query", {}), dict):
        to.dropped(item.at("query"), "A query is an object.")
        del made["query"]
    if not _has_valid_url(item, made):
        item.take_rest  # noqa: B018, noted as a whole
        return []
    return [{"apiCall": made}]


def _api_default(to: Converter, name: str, least: int, most: int) -> int | float | None:
    """What the tenant had set for all requests."""
    value = to.api_defaults.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    kept = max(least, min(most, value))
    return int(kept) if name == "retry_count" else kept


def _has_valid_url(item: Item, made: dict[str, Any]) -> bool:
    if made.get("endpoint"):
        return True
    try:
        check_url(made.get("url", ""), ("url",))
    except InvalidInput as problem:
        item.converter.dropped(item.path, f"The request cannot be kept: {problem.message}")
        return False
    return True


def _target(item: Item) -> dict[str, Any]:
    to = item.converter
    name, url = item.text("endpoint"), item.text("url")
    if name and name.startswith(("http://", "https://")):
        name, url = None, name
    if name:
        return _endpoint(item, name, rest="")
    url = url or ""
    if found := _BASE.match(url):
        to.converted(item.at("url"), f"The base URL is now the endpoint {BASE_ENDPOINT}.")
        rest = _with_placeholders(to, to.template(url[found.end() :], item.at("url")))
        named = _named_at_start(item, rest)
        return {
            "endpoint": BASE_ENDPOINT,
            **without_empty(url=named if named[:1] in "/?" else f"/{named}"),
        }
    if found := _NAMED.match(url):
        return _endpoint(item, found[1], rest=url[found.end() :])
    return {"url": _with_placeholders(to, to.template(url, item.at("url")))}


def _named_at_start(item: Item, rest: str) -> str:
    """The path of a named endpoint behind the base URL."""
    found = _NAMED.match(rest)
    known = item.converter.endpoints.get(found[1]) if found else None
    if found is None or not isinstance(known, dict):
        return rest
    return _with_placeholders(item.converter, str(known.get("path", ""))) + rest[found.end() :]


def _endpoint(item: Item, name: str, rest: str) -> dict[str, Any]:
    to = item.converter
    made = to.identifier(name, item.at("endpoint"))
    known = to.endpoints.get(name)
    tail = _with_placeholders(to, to.template(rest, item.at("url")))
    if not isinstance(known, dict):
        to.converted(item.path, f"It asks the endpoint {made}: give it a URL in the settings.")
        return {
            "endpoint": made,
            **without_empty(url=tail if not tail or tail[0] in "/?" else f"/{tail}"),
        }
    _, holes = _split(str(known.get("path", "")))
    to.converted(item.path, f"It asks the endpoint {made} of the settings.")
    return {
        "endpoint": made,
        **without_empty(
            url=_with_placeholders(to, holes) + tail, method=str(known.get("method") or "")
        ),
    }


def _split(path: str) -> tuple[str, str]:
    """What is fixed of an endpoint's path, and the rest from the first hole on."""
    found = _PATH_PARAMETER.search(path)
    if found is None:
        return path, ""
    cut = path.rfind("/", 0, found.start())
    return path[: max(cut, 0)], path[max(cut, 0) :]


def _with_placeholders(to: Converter, path: str) -> str:
    """`{user_id}` in a path, as a slot."""

    def slot(hole: re.Match[str]) -> str:
        return f"{{{{{to.readable(hole[1], ('endpoints',))}}}}}"

    return _PATH_PARAMETER.sub(slot, path)


def _retries(item: Item, given_: Any) -> int | None:
    if isinstance(given_, dict):
        item.converter.converted(item.at("retries"), "Only the number of tries is kept.")
        given_ = given_.get("max_attempts") or given_.get("count") or given_.get("retries")
    if given_ is None or isinstance(given_, bool) or not isinstance(given_, int | float):
        return None
    kept = max(0, min(5, int(given_)))
    if kept != given_:
        item.converter.converted(
            item.at("retries"), f"{given_} tries more is out of range; now {kept}."
        )
    return kept


def _save(item: Item) -> dict[str, str]:
    """Where the answer goes: one path, or a map of paths."""
    value = item.take("save_to", "save_response_to", "result_path", "response_path", "save")
    if value is None:
        return {}
    pairs = value if isinstance(value, dict) else {str(value): "body"}
    found = {}
    for place, source in pairs.items():
        path = item.converter.writable(place, item.at("save"))
        part = str(source).removeprefix("response.")
        part = part if part.split(".")[0] in ("body", "status") else f"body.{part}"
        if path:
            found[path] = part
    return found


# ---- settings ------------------------------------------------------------------------------


def settings(item: Item) -> dict[str, Any]:
    to = item.converter
    language = item.text("default_language")
    config = to.item(item.take("api_config"), item.at("api_config"))
    base = config.text("base_url") or ""
    headers = config.take("headers")
    if common := [key for key in ("timeout", "retry_count") if config.take(key) is not None]:
        to.converted(config.path, f"{' and '.join(common)} moved into the requests of the tools.")
    config.report_unused()
    endpoints = (
        []
        if not base
        else [{"name": BASE_ENDPOINT, "url": base.rstrip("/"), **without_empty(headers=headers)}]
    )
    named = item.take("endpoints")
    for name, each in (named if isinstance(named, dict) else {}).items():
        if made := _server(to.item(each, (*item.at("endpoints"), str(name))), str(name), base):
            endpoints.append(made)
    values = item.take_rest
    if values:
        to.converted(item.path, f"{', '.join(values)} moved into values.")
    return without_empty(
        defaults=without_empty(language=language), endpoints=endpoints, values=values
    )


def _server(each: Item, name: str, base: str) -> dict[str, Any] | None:
    fixed, _ = _split(each.text("path") or "")
    url = each.text("url") or (f"{base.rstrip('/')}/{fixed.lstrip('/')}" if base else "")
    each.ignore("method", "name", "description")
    headers = each.take("headers")
    each.report_unused()
    if not url:
        each.converter.dropped(
            each.path, "An endpoint needs a URL; api_config.base_url is missing."
        )
        return None
    made = each.converter.identifier(name, each.path)
    return {"name": made, "url": url, **without_empty(headers=headers)}
