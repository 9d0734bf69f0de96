"""Which files of the product are its documentation, and the URLs at which the API serves them.

`docs/README.md` lists the pages; those that it does not list are for contributors, and not served."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from graph.web.static_assets import STATIC_FOLDER

PREFIX = "/docs"
INDEX = "docs/README.md"
INDEX_URL = f"{PREFIX}/"

PLAIN_TEXT = "text/plain; charset=utf-8"
FILES = {"schema.graphql": PLAIN_TEXT, "NOTICE": PLAIN_TEXT, "docs/talk.png": "image/png"}
"""Files that the pages link to or show, with their media types."""
PACKAGE = Path(__file__).parent
ASSETS = {
    f"{PREFIX}/docs.css": (PACKAGE / "docs.css", "text/css; charset=utf-8"),
    f"{PREFIX}/icon.svg": (STATIC_FOLDER / "talk" / "icon.svg", "image/svg+xml"),
}

GROUP_PATTERN = re.compile(r"^## (.+)$")
ENTRY_PATTERN = re.compile(r"^- \[([^\]]+)\]\(([^)]+\.md)\)")


@dataclass(frozen=True, slots=True)
class Entry:
    """One page; `source` is its file, relative to the root of the product."""

    title: str
    source: str
    url: str


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Catalog:
    groups: tuple[Group, ...]

    @property
    def pages(self) -> dict[str, str]:
        """The source of each page by its URL."""
        entries = (entry for group in self.groups for entry in group.entries)
        return {INDEX_URL: INDEX} | {entry.url: entry.source for entry in entries}

    @property
    def urls(self) -> dict[str, str]:
        """The URL of each file that is served, by its source."""
        files = {source: f"{PREFIX}/{posixpath.basename(source)}" for source in FILES}
        return files | {source: url for url, source in self.pages.items()}


def product_root() -> Path:
    """The folder with `docs/`: in a wheel, a copy in this package; otherwise the sources."""
    copy = PACKAGE / "files"
    return copy if copy.exists() else PACKAGE.parents[2]


def read_catalog(root: Path) -> Catalog:
    return Catalog(tuple(_groups((root / INDEX).read_text("utf-8"))))


def _groups(index: str) -> Iterator[Group]:
    title, entries = "", list[Entry]()
    for line in index.splitlines():
        if found := ENTRY_PATTERN.match(line):
            entries.append(_entry(*found.groups()))
        elif found := GROUP_PATTERN.match(line):
            if entries:
                yield Group(title, tuple(entries))
            title, entries = found[1], []
    if entries:
        yield Group(title, tuple(entries))


def _entry(title: str, link: str) -> Entry:
    source = absolute_source(INDEX, link)
    name = posixpath.basename(source).removesuffix(".md").lower()
    return Entry(title, source, f"{PREFIX}/{name}")


def absolute_source(page: str, link: str) -> str:
    """The file to which a relative link of a page leads, relative to the root of the product."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), link))
