"""Converts the API calls of tools in legacy configs, and the settings with their endpoints."""

from __future__ import annotations

import re
from typing import Any

from domain.bundles.legacy.converter import Converter, Item
from domain.bundles.legacy.text import without_empty
from domain.common.errors import InvalidInput
from domain.tools.actions import Method
from domain.tools.http_validation import HEADER_NAMESPACES, check_url

BASE_ENDPOINT = "api"
"""The name of the endpoint that replaces the base URL of the legacy API config."""

_BASE = re.compile(r"\{\{\s*tenant\.settings\.(?:api_config\.base_url|base_url)\s*\}\}")
_NAMED = re.compile(r"\{\{\s*tenant\.settings\.endpoints\.([\w.]+?)(?:\.(?:url|path))?\s*\}\}")
_PATH_PARAMETER = re.compile(r"(?<!\{)\{([a-z_][a-z0-9_.]*)\}(?!\})", re.IGNORECASE)


def api_call(item: Item) -> list[dict[str, Any]]:
    """Convert `webhook` (endpoint and payload) or `api_call` (URL, method and body); empty if it
    cannot be converted, which is reported."""
    converter = item.converter
    reported = len(converter.findings)
    target = _target(item)
    method = _method(item, target)
    payload = item.present_key("body", "payload", "data")
    body = converter.value(item.take("body", "payload", "data"), item.at(payload))
    timeout = item.number("timeout", minimum=1, maximum=60)
    retries = _retries(item)
    action = {
        **target,
        **without_empty(
            method=method,
            headers=_headers(item),
            query=converter.value(item.take("query", "params"), item.at("query")),
            body=body,
            timeout=converter.api_defaults.get("timeout") if timeout is None else timeout,
            retries=converter.api_defaults.get("retry_count") if retries is None else retries,
            save=_save(item),
        ),
    }
    if not isinstance(action.get("query", {}), dict):
        converter.not_converted(item.at("query"), "The query must be an object.")
        del action["query"]
    if _has_valid_url(item, action) and len(converter.findings) == reported:
        return [{"apiCall": action}]
    return []


def _method(item: Item, target: dict[str, Any]) -> str:
    known = target.pop("method", None)
    method = item.text("method") or known or "POST"
    if method.upper() not in list(Method):
        item.converter.not_converted(
            item.at("method"),
            f"{method[:40]!r} is not a known method; the methods are {', '.join(Method)}.",
        )
    return method.upper()


def _headers(item: Item) -> dict[str, str]:
    here = item.at("headers")
    headers = item.converter.item(item.take("headers"), here).take_rest()
    return {k: item.converter.template(str(v), here, HEADER_NAMESPACES) for k, v in headers.items()}


def _has_valid_url(item: Item, action: dict[str, Any]) -> bool:
    if action.get("endpoint"):
        return True
    try:
        check_url(action.get("url", ""), ("url",))
    except InvalidInput as problem:
        item.converter.not_converted(item.path, f"The request has no usable URL: {problem.message}")
        return False
    return True


def _target(item: Item) -> dict[str, Any]:
    converter = item.converter
    name, url = item.text("endpoint"), item.text("url")
    if name and name.startswith(("http://", "https://")):
        name, url = None, name
    if name:
        return _endpoint(item, name, rest="")
    url = url or ""
    if found := _BASE.match(url):
        converter.converted(item.at("url"), f"The base URL is now the endpoint {BASE_ENDPOINT}.")
        rest = _with_placeholders(converter, converter.template(url[found.end() :], item.at("url")))
        named = _named_at_start(item, rest)
        return {
            "endpoint": BASE_ENDPOINT,
            **without_empty(url=named if named[:1] in "/?" else f"/{named}"),
        }
    if found := _NAMED.match(url):
        return _endpoint(item, found[1], rest=url[found.end() :])
    return {"url": _with_placeholders(converter, converter.template(url, item.at("url")))}


def _named_at_start(item: Item, rest: str) -> str:
    """Replace a named endpoint that follows the base URL with its path."""
    found = _NAMED.match(rest)
    known = item.converter.endpoints.get(found[1]) if found else None
    if found is None or not isinstance(known, dict):
        return rest
    return _with_placeholders(item.converter, str(known.get("path", ""))) + rest[found.end() :]


def _endpoint(item: Item, name: str, rest: str) -> dict[str, Any]:
    converter = item.converter
    endpoint = converter.identifier(name, item.at("endpoint"))
    known = converter.endpoints.get(name)
    tail = _with_placeholders(converter, converter.template(rest, item.at("url")))
    if not isinstance(known, dict):
        converter.converted(
            item.path, f"The request now uses the endpoint {endpoint}; set its URL in the settings."
        )
        return {
            "endpoint": endpoint,
            **without_empty(url=tail if not tail or tail[0] in "/?" else f"/{tail}"),
        }
    _, parameters = _split(str(known.get("path", "")))
    converter.converted(item.path, f"The request now uses the endpoint {endpoint} of the settings.")
    return {
        "endpoint": endpoint,
        **without_empty(
            url=_with_placeholders(converter, parameters) + tail,
            method=str(known.get("method") or ""),
        ),
    }


def _split(path: str) -> tuple[str, str]:
    """Split an endpoint's path into its fixed part and the part from the first parameter on."""
    found = _PATH_PARAMETER.search(path)
    if found is None:
        return path, ""
    cut = path.rfind("/", 0, found.start())
    return path[: max(cut, 0)], path[max(cut, 0) :]


def _with_placeholders(converter: Converter, path: str) -> str:
    """Replace parameters such as `{user_id}` in a path with placeholders."""

    def placeholder(parameter: re.Match[str]) -> str:
        return f"{{{{{converter.readable(parameter[1], ('endpoints',))}}}}}"

    return _PATH_PARAMETER.sub(placeholder, path)


def _retries(item: Item) -> int | None:
    keys = ("retry_count", "retries", "retry")
    here = item.present_key(*keys)
    retries = item.take(*keys)
    if isinstance(retries, dict):
        item.converter.converted(item.at("retries"), "Only the number of retries was kept.")
        inside = item.converter.item(retries, item.at(here))
        number = inside.number("max_attempts", "count", "retries", minimum=0, maximum=5)
    else:
        alone = item.converter.item({here: retries}, item.path)
        number = alone.number(here, minimum=0, maximum=5)
    return None if number is None else int(number)


def _save(item: Item) -> dict[str, str]:
    """Where the response is stored: context paths mapped to parts of the response."""
    value = item.take("save_to", "save_response_to", "result_path", "response_path", "save")
    if value is None:
        return {}
    pairs = value if isinstance(value, dict) else {str(value): "body"}
    saved = {}
    for target, source in pairs.items():
        path = item.converter.writable(target, item.at("save"))
        part = str(source).removeprefix("response.")
        part = part if part.split(".")[0] in ("body", "status") else f"body.{part}"
        if path:
            saved[path] = part
        else:
            item.converter.not_converted(
                item.at("save"), f"{str(target)[:80]!r} is not a valid path."
            )
    return saved


# ---- settings ------------------------------------------------------------------------------


def api_defaults(config: Item) -> dict[str, float]:
    """The defaults of the tenant for all requests."""
    timeout = config.number("timeout", minimum=1, maximum=60)
    retries = config.number("retry_count", minimum=0, maximum=5)
    return without_empty(timeout=timeout, retry_count=None if retries is None else int(retries))


def settings(item: Item) -> dict[str, Any]:
    converter = item.converter
    language = item.text("default_language")
    config = converter.item(item.take("api_config"), item.at("api_config"))
    base = config.text("base_url") or ""
    headers = config.take("headers")
    if common := [key for key in ("timeout", "retry_count") if config.take(key) is not None]:
        converter.converted(
            config.path, f"Moved to the requests of the tools: {', '.join(common)}."
        )
    config.report_unused()
    endpoints = (
        []
        if not base
        else [{"name": BASE_ENDPOINT, "url": base.rstrip("/"), **without_empty(headers=headers)}]
    )
    named = converter.item(item.take("endpoints"), item.at("endpoints"))
    for name, each in named.take_rest().items():
        if server := _server(converter.item(each, (*named.path, name)), name, base):
            endpoints.append(server)
    values = item.take_rest()
    if values:
        converter.converted(item.path, f"Moved to values: {', '.join(values)}.")
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
        each.converter.not_converted(
            each.path, "An endpoint needs a URL; api_config.base_url is missing."
        )
        return None
    endpoint = each.converter.identifier(name, each.path)
    return {"name": endpoint, "url": url, **without_empty(headers=headers)}
