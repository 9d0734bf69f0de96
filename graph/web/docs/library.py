"""The documentation as HTTP sends it: each file is read and rendered once, when it is first requested."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from graph.web.docs.catalog import ASSETS, FILES, absolute_source, read_catalog
from graph.web.docs.layout import not_found_page, page

HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Document:
    body: bytes
    media_type: str
    etag: str

    @classmethod
    def of(cls, body: bytes, media_type: str) -> Document:
        return cls(body, media_type, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


class Library:
    """Serves what the catalog lists and nothing else: a URL is looked up and never becomes a path."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._catalog = read_catalog(root)
        self._pages = self._catalog.pages
        self._urls = self._catalog.urls
        self._files = ASSETS | {
            self._urls[source]: (root / source, media_type) for source, media_type in FILES.items()
        }
        self._documents: dict[str, Document] = {}
        # One file at a time, so that many first requests do not compete with the event loop.
        self._turn = asyncio.Lock()

    async def find(self, url: str) -> Document | None:
        """The document at this URL; None if there is none."""
        if url not in self._pages and url not in self._files:
            return None
        if url not in self._documents:
            async with self._turn:
                if url not in self._documents:
                    self._documents[url] = await asyncio.to_thread(self._read, url)
        return self._documents[url]

    def moved(self, url: str) -> str | None:
        """Where the page is whose file has this name, such as `/docs/findings.md`."""
        page = url.rstrip("/").removesuffix(".md")
        return page if page != url and page in self._pages else None

    def not_found(self) -> bytes:
        return not_found_page(self._catalog).encode()

    def _read(self, url: str) -> Document:
        if url in self._files:
            file, media_type = self._files[url]
            return Document.of(file.read_bytes(), media_type)
        # Most processes never show a page, so they do not load the library for it.
        from graph.web.docs.markdown import render_markdown

        source = self._pages[url]
        text = (self._root / source).read_text("utf-8")
        rendered = render_markdown(text, partial(self._resolve, source))
        return Document.of(page(self._catalog, url, rendered).encode(), HTML)

    def _resolve(self, source: str, link: str) -> str | None:
        if "://" in link or link.startswith(("#", "mailto:")):
            return link
        path, hash_sign, anchor = link.partition("#")
        url = self._urls.get(absolute_source(source, path))
        return url and f"{url}{hash_sign}{anchor}"
