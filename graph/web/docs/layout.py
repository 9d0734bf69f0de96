"""The frame of a page of the documentation: its head, the list of pages and the list of headings."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from graph.web.docs.catalog import INDEX_URL, PREFIX, Catalog

if TYPE_CHECKING:
    from graph.web.docs.markdown import Heading, RenderedMarkdown

MIN_HEADINGS = 3
"""A page with fewer needs no list of them."""
PRODUCT = "Agent Studio"

NOT_FOUND = f"""\
<h1>There is no such page</h1>
<p>The link may be of another release, whose pages have other names. <a href="#pages">All pages</a> of this release
are listed here; <a href="{INDEX_URL}">the first page</a> says what each is about.</p>
"""


def page(catalog: Catalog, url: str, content: RenderedMarkdown) -> str:
    title = next((each.text for each in content.headings if each.level == 1), PRODUCT)
    sections = [each for each in content.headings if each.level == 2]
    contents = _contents(sections) if url != INDEX_URL and len(sections) >= MIN_HEADINGS else ""
    return _frame(title, _pages(catalog, url), content.html, contents)


def not_found_page(catalog: Catalog) -> str:
    return _frame("There is no such page", _pages(catalog, ""), NOT_FOUND, "")


def _frame(title: str, pages: str, content: str, contents: str) -> str:
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)} – {PRODUCT}</title>
<link rel="icon" href="{PREFIX}/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="{PREFIX}/docs.css">
</head>
<body>
<a class="skip" href="#content">Skip to the text</a>
<header><a class="home" href="{INDEX_URL}">{PRODUCT}</a><a class="to-pages" href="#pages">All pages</a></header>
<div class="columns">
<main id="content">
{contents}<article>
{content}</article>
</main>
{pages}</div>
</body>
</html>
"""


def _pages(catalog: Catalog, current: str) -> str:
    groups = "".join(
        f"<h2>{escape(group.title)}</h2>\n<ul>\n"
        + "".join(_entry(entry.title, entry.url, current) for entry in group.entries)
        + "</ul>\n"
        for group in catalog.groups
    )
    return f'<nav id="pages" aria-label="Pages">\n{groups}</nav>\n'


def _entry(title: str, url: str, current: str) -> str:
    state = ' aria-current="page"' if url == current else ""
    return f'<li><a href="{url}"{state}>{escape(title)}</a></li>\n'


def _contents(sections: Sequence[Heading]) -> str:
    items = "".join(
        f'<li><a href="#{escape(each.anchor)}">{escape(each.text)}</a></li>\n' for each in sections
    )
    return f'<details class="contents">\n<summary>On this page</summary>\n<ul>\n{items}</ul>\n</details>\n'
