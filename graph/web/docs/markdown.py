"""Markdown of the documentation as HTML, with the anchors that links of the product lead to.

A heading has the anchor that GitHub gives it. A code in the first column of a table, such as
`NOT_FOUND`, has its lower-case name as the anchor."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

Resolve = Callable[[str], str | None]
"""The URL for a link of a page; None if the link leads to nothing that is served."""

BREAK_PATTERN = re.compile(r"[_./:](?=\w)")
"""Where a long name may continue on the next line."""
CODE_PATTERN = re.compile(r"[A-Z][A-Z0-9_]+")
PUNCTUATION_PATTERN = re.compile(r"[^\w\- ]")


@dataclass(frozen=True, slots=True)
class Heading:
    text: str
    anchor: str
    level: int


@dataclass(frozen=True, slots=True)
class RenderedMarkdown:
    html: str
    headings: tuple[Heading, ...]


class Anchors:
    """Makes anchors of texts; repeated ones get a number."""

    def __init__(self) -> None:
        self._used: Counter[str] = Counter()

    def add(self, text: str) -> str:
        name = PUNCTUATION_PATTERN.sub("", text.lower()).replace(" ", "-")
        count = self._used[name]
        self._used[name] += 1
        return f"{name}-{count}" if count else name


def render_markdown(text: str, resolve: Resolve) -> RenderedMarkdown:
    tokens = PARSER.parse(text)
    anchors = Anchors()
    # All headings come first, so that no code of a table takes the anchor of a heading.
    headings = tuple(_anchored_headings(tokens, anchors))
    for cell in _first_cells(tokens):
        _anchor_codes(cell, anchors)
    for token in tokens:
        if token.children:
            token.children = [*_with_links(token.children, resolve)]
    html: str = PARSER.renderer.render(tokens, PARSER.options, {})
    return RenderedMarkdown(html, headings)


def _anchored_headings(tokens: Sequence[Token], anchors: Anchors) -> Iterator[Heading]:
    for opening, content in itertools.pairwise(tokens):
        if opening.type == "heading_open":
            text = "".join(child.content for child in content.children or ())
            anchor = anchors.add(text)
            opening.attrSet("id", anchor)
            if opening.tag != "h1":
                content.children = [*(content.children or ()), *_link_to_itself(anchor, text)]
            yield Heading(text, anchor, int(opening.tag[1]))


def _link_to_itself(anchor: str, text: str) -> list[Token]:
    attributes: dict[str, str | int | float] = {
        "href": f"#{anchor}",
        "class": "anchor",
        "aria-label": f"Link to “{text}”",
    }
    return [
        Token("link_open", "a", 1, attrs=attributes),
        Token("text", "", 0, content="#"),
        Token("link_close", "a", -1),
    ]


def _first_cells(tokens: Sequence[Token]) -> Iterator[Token]:
    """The content of the first cell of each row of a table, without the headings of columns."""
    for row, cell, content in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if (row.type, cell.type) == ("tr_open", "td_open"):
            yield content


def _anchor_codes(cell: Token, anchors: Anchors) -> None:
    for child in cell.children or ():
        if child.type == "code_inline" and CODE_PATTERN.fullmatch(child.content):
            child.attrSet("id", anchors.add(child.content))


def _with_links(children: Sequence[Token], resolve: Resolve) -> Iterator[Token]:
    """The content of a block, with links that lead somewhere; of other links, only the text."""
    is_open = True
    for child in children:
        if child.type == "link_open":
            target = resolve(str(child.attrs["href"]))
            is_open = target is not None
            child.attrs["href"] = target or ""
        if child.type == "image":
            child.attrs["src"] = resolve(str(child.attrs["src"])) or ""
        if is_open or child.type not in ("link_open", "link_close"):
            yield child


def _scrollable_table(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return '<div class="table" tabindex="0">\n' + self.renderToken(tokens, index, options, env)


def _end_of_table(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return self.renderToken(tokens, index, options, env) + "</div>\n"


def _scrollable_code(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    # Without a tab index, not every browser lets the keyboard scroll it.
    return self.fence(tokens, index, options, env).replace("<pre>", '<pre tabindex="0">', 1)


def _breakable_name(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    text = BREAK_PATTERN.sub(r"\g<0><wbr>", escape(tokens[index].content))
    return f"<code{self.renderAttrs(tokens[index])}>{text}</code>"


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("code_inline", _breakable_name)
    parser.add_render_rule("fence", _scrollable_code)
    parser.add_render_rule("table_open", _scrollable_table)
    parser.add_render_rule("table_close", _end_of_table)
    return parser


PARSER = _parser()
