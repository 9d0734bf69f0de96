"""The documentation that the API serves at /docs/: every link of the product and of its pages leads somewhere."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable
from fnmatch import fnmatch
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urldefrag, urljoin, urlsplit

import httpx
import pytest
from starlette.applications import Starlette

from domain.common.access import Viewer
from domain.common.findings import FindingCode
from domain.common.settings import Settings
from domain.ports import Services
from graph.app import build_schema_with_loaders
from graph.requests.docs_links import error_docs, finding_docs, request_error_docs
from graph.schema.types.errors import ErrorCode
from graph.web.docs.catalog import product_root, read_catalog
from graph.web.docs.library import Library
from graph.web.docs.markdown import render_markdown
from graph.web.docs.routes import docs_routes
from tests.api.test_api_docs import codes
from tests.support.api_server import Api, running_api
from tests.support.browsers import script_runner
from tests.support.graphiql_toy import running_server
from tests.support.paths import ROOT

pytestmark = pytest.mark.anyio

FOR_CONTRIBUTORS = {"architecture.md", "decisions.md"}
ERRORS = (
    """mutation { startCall(input: {workflow: {slug: "none"}}) { ... on Error { code docs } } }"""
)
FINDINGS = """query ($config: WorkflowInput!) { verifyWorkflow(config: $config) { findings { code docs } } }"""
NO_ENTRY = {"slug": "w", "nodes": [{"id": "desk", "agent": "x", "isExit": True}]}
REQUEST_CODES = sorted(codes("`extensions.code`"))


class Page(HTMLParser):
    """The links of a page, and the text of each element that has an id, up to the next such element."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.ids: list[str] = []
        self.texts: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        target = named.get("href") or named.get("src")
        if target is not None:
            (self.links if tag == "a" else self.loads).add(target)
        if "style" in named or tag in ("script", "style", "iframe"):
            self.loads.add(f"inline {tag}")
        if id := named.get("id"):
            self.ids.append(id)
            self.texts[id] = ""

    def handle_data(self, data: str) -> None:
        if self.ids:
            self.texts[self.ids[-1]] += data


@pytest.fixture
async def api(services: Services, settings: Settings, viewer: Viewer) -> AsyncIterator[Api]:
    async with running_api(
        services, settings, viewer, build_schema_with_loaders, extra_routes=docs_routes()
    ) as running:
        yield running


class Visitor:
    """Follows links over HTTP, and reads each page once."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self.pages: dict[str, Page] = {}
        self.broken: list[str] = []

    async def follow(self, link: str) -> str:
        """The text to which the link leads; of a link without an anchor, nothing."""
        url, anchor = urldefrag(link)
        if url not in self.pages:
            answer = await self._http.get(url)
            is_page = answer.headers["content-type"].startswith("text/html")
            self.pages[url] = Page(answer.text if is_page else "")
            if answer.status_code != 200:
                self.broken.append(link)
        if anchor and anchor not in self.pages[url].ids:
            self.broken.append(link)
        return self.pages[url].texts.get(anchor, "")


async def test_the_links_of_all_codes_lead_to_their_explanations(api: Api) -> None:
    visitor = Visitor(api.http)
    for finding in FindingCode:
        assert (await visitor.follow(finding_docs(finding))).startswith(f"{finding}#\n")
    for code in map(str, ErrorCode):
        assert (await visitor.follow(error_docs(code))).startswith(code)
    for code in [*REQUEST_CODES, *map(str, ErrorCode)]:
        assert (await visitor.follow(request_error_docs(code))).startswith(code)
    assert visitor.broken == []
    # Where a code has two rows, each link leads to its own.
    refused = await visitor.follow(request_error_docs("UNAUTHENTICATED"))
    assert "refresh or replace it" in refused
    assert "password" in await visitor.follow(error_docs("UNAUTHENTICATED"))
    assert "ask the operator" in await visitor.follow(request_error_docs("TENANT_SUSPENDED"))


async def test_errors_and_findings_carry_these_links(api: Api) -> None:
    started = await api.execute(ERRORS)
    assert started["data"]["startCall"] == {
        "code": "WORKFLOW_NOT_FOUND",
        "docs": "/docs/api#workflow_not_found",
    }
    verified = await api.execute(FINDINGS, variables={"config": NO_ENTRY})
    findings = verified["data"]["verifyWorkflow"]["findings"]
    assert {"code": "NO_ENTRY", "docs": "/docs/findings#no_entry"} in findings
    assert [each for each in findings if each["docs"] != finding_docs(each["code"])] == []
    refused = await api.post("{ viewer { subject } }", auth=False)
    assert refused.json()["errors"][0]["extensions"] == {
        "code": "UNAUTHENTICATED",
        "docs": "/docs/api#unauthenticated-1",
    }
    unknown = await api.execute("{ viewer { nickname } }")
    assert unknown["errors"][0]["extensions"] == {
        "code": "GRAPHQL_VALIDATION_FAILED",
        "docs": "/docs/api#graphql_validation_failed",
    }


async def test_every_link_among_the_pages_leads_somewhere(api: Api) -> None:
    visitor = Visitor(api.http)
    followed, todo = set[str](), ["/docs/"]
    while todo:
        link = todo.pop()
        followed.add(link)
        await visitor.follow(link)
        url = urldefrag(link).url
        page = visitor.pages[url]
        inside = [urljoin(url, each) for each in page.links | page.loads if not is_outside(each)]
        todo += {*inside} - followed - {*todo}
    assert visitor.broken == []
    pages = {url: page for url, page in visitor.pages.items() if page.ids}
    assert pages.keys() == read_catalog(ROOT).pages.keys()
    assert [url for url, page in pages.items() if len(page.ids) != len({*page.ids})] == []
    # A page loads its styles, its icon and images from the API, and nothing from elsewhere.
    loads = set[str]().union(*(page.loads for page in pages.values()))
    assert loads == {"/docs/docs.css", "/docs/icon.svg", "/docs/talk.png"}


def is_outside(link: str) -> bool:
    return urlsplit(link).scheme in ("http", "https", "mailto")


def test_the_first_page_lists_all_pages_for_users() -> None:
    listed = {Path(source).name for source in read_catalog(ROOT).pages.values()}
    expected = {page.name for page in (ROOT / "docs").glob("*.md")} - FOR_CONTRIBUTORS
    assert listed == expected | {"CHANGELOG.md"}


# ---- requests ------------------------------------------------------------------------------


async def test_a_page_is_sent_again_only_when_it_has_changed(api: Api) -> None:
    page = await api.http.get("/docs/findings")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    etag = page.headers["etag"]
    for tags in (etag, f"W/{etag}", f'"other", {etag}'):
        again = await api.http.get("/docs/findings", headers={"If-None-Match": tags})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert (await api.http.get("/docs/api", headers={"If-None-Match": etag})).status_code == 200
    head = await api.http.head("/docs/findings")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", etag)
    assert (await api.http.post("/docs/findings")).status_code == 405


OLD_NAMES = {
    "/docs": "/docs/",
    "/docs/findings.md": "/docs/findings",
    "/docs/api/": "/docs/api",
}
NO_PAGES = [
    *("nothing", "architecture", "README.md/", "/example.org", "%00", "api%23errors"),
    *("../pyproject.toml", "%2e%2e/pyproject.toml", "..%2fpyproject.toml", "..%5c..%5c.env"),
    *("%2e%2e%2f%2e%2e%2fetc/passwd", "/etc/passwd", "files/docs/api.md", "routes.py"),
]


async def test_other_names_of_a_page_lead_to_it(api: Api) -> None:
    moved = [await api.http.get(old) for old in OLD_NAMES]
    assert [each.status_code for each in moved] == [307] * len(OLD_NAMES)
    assert [each.headers["location"] for each in moved] == [*OLD_NAMES.values()]


async def test_what_is_no_page_is_answered_with_the_list_of_pages(api: Api) -> None:
    for path in NO_PAGES:
        answer = await get_as_written(api, f"/docs/{path}")
        assert answer.startswith("HTTP/1.1 404 "), path
        assert "There is no such page" in answer
        assert '<a href="/docs/api">' in answer


async def get_as_written(api: Api, path: str) -> str:
    """The response; clients for HTTP would normalise the path."""
    host, port = api.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    writer.write(request.encode())
    async with asyncio.timeout(60):
        answer = (await reader.read()).decode()
    writer.close()
    return answer


async def test_many_first_requests_render_a_page_once() -> None:
    library = Library(product_root())
    found = await asyncio.gather(*(library.find("/docs/phone") for _ in range(50)))
    assert len({id(document) for document in found}) == 1


# ---- Markdown ------------------------------------------------------------------------------


def test_anchors_are_those_of_github_and_of_codes() -> None:
    text = """# What a `call` costs, and why?
## Web pages
## Web pages
### NO_ENTRY

| code | meaning |
|---|---|
| `NO_ENTRY`, `NOT_FOUND` | `OTHER` |
| `a value` | |
"""
    rendered = render_markdown(text, str)
    assert [heading.anchor for heading in rendered.headings] == [
        *("what-a-call-costs-and-why", "web-pages", "web-pages-1", "no_entry")
    ]
    cells = ["no_entry-1", "not_found"]
    anchors = [each for each in Page(rendered.html).ids if each in cells]
    assert anchors == cells
    assert "other" not in Page(rendered.html).ids


def test_links_that_lead_nowhere_are_text_and_html_is_not_markup() -> None:
    rendered = render_markdown(
        "[a *b*](gone.md) [c](kept.md)\n\n<script>x</script>", {"kept.md": "/docs/kept"}.get
    )
    assert rendered.html == (
        '<p>a <em>b</em> <a href="/docs/kept">c</a></p>\n<p>&lt;script&gt;x&lt;/script&gt;</p>\n'
    )


# ---- installations -------------------------------------------------------------------------


def test_the_image_has_the_documentation() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert [source for source in read_catalog(ROOT).urls if is_ignored(source, ignored)] == []


def is_ignored(source: str, patterns: Iterable[str]) -> bool:
    parts = [*itertools.accumulate(source.split("/"), lambda folder, name: f"{folder}/{name}")]
    return any(fnmatch(part, pattern) for part in parts for pattern in patterns)


def test_pages_can_be_read_on_a_desk_and_on_a_phone(tmp_path: Path) -> None:
    visit = script_runner(tmp_path)
    links = [request_error_docs("UNAUTHENTICATED"), "/docs/talk"]
    with running_server(Starlette(routes=docs_routes())) as url:
        seen = visit("docs.mjs", url, *links)["seen"]
    expected = {"found": [], "errors": [], "outside": [], "tooWide": False, "isShown": True}
    assert seen == [
        {"size": size, "path": path, **expected} for size in ("wide", "narrow") for path in links
    ]
