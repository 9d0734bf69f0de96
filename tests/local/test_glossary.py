"""Words that the glossary rejects appear neither in texts nor in names, those of tests included."""

from __future__ import annotations

import ast
import builtins
import io
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from local import bundles
from local.cli import SELF_DOCUMENTED_COMMANDS, main
from tests.support.paths import ROOT

GLOSSARY = ROOT / "docs" / "glossary.md"
SCHEMA = ROOT / "schema.graphql"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
FOLDERS = (
    "domain",
    "persistence",
    "worker",
    "resolvers",
    "graph",
    "local",
    "migrations",
    "bench",
    "client",
)

ALLOWED_PHRASES: tuple[str, ...] = (
    *("`nobody`", "as nobody", "to nobody"),
    *("Retell", "retell agent", "retell llm", "retell flow", "retell tool"),
)
"""Phrases that contain a rejected word and are right all the same: the user `nobody`, and Retell,
which is a product."""

MESSAGE_FUNCTIONS = {
    *("debug", "info", "warning", "error", "exception", "critical", "log"),
    *("Finding", "print"),
}
"""Functions of loggers, of findings and of output; their positional arguments hold messages."""
HELP_ARGUMENTS = {"help", "description", "epilog"}
WEB_SOURCES = (
    ROOT / "graph" / "web" / "pages" / "src",
    ROOT / "client" / "typescript" / "src",
    ROOT / "client" / "widget" / "src",
    ROOT / "dashboard" / "src",
    ROOT / "dashboard" / "app",
)
WEB_SUFFIXES = {".js", ".jsx", ".ts", ".tsx", ".css", ".html", ".graphql"}
ROW = re.compile(r"^(\| .* \| .* \|)(.*)\|$", re.MULTILINE)
"""A row of a glossary table: the first two columns, and the column of words not to use."""


@cache
def rejected() -> tuple[str, ...]:
    return tuple(
        word
        for _, words in ROW.findall(GLOSSARY.read_text())
        for word in re.findall(r"`([^`]+)`", words)
    )


@cache
def pattern() -> re.Pattern[str]:
    """Whole words in any case, also across line ends; a word that ends in `_` is a prefix."""
    alternatives = "|".join(
        re.escape(word).replace(r"\ ", r"\s+") + ("" if word.endswith("_") else r"\b")
        for word in rejected()
    )
    return re.compile(rf"\b(?:{alternatives})", re.IGNORECASE)


def hits(text: str, source: str, first_line: int = 1) -> Iterator[str]:
    for phrase in ALLOWED_PHRASES:
        text = text.replace(phrase, re.sub(r"[^\n]", "-", phrase))
    for match in pattern().finditer(text):
        line = first_line + text.count("\n", 0, match.start())
        yield f"{source}:{line}: {' '.join(match[0].split())}"


def assert_none(found: Iterable[str]) -> None:
    places = [*found]
    assert places == [], f"{len(places)} places:\n" + "\n".join(places)


def page_hits(page: Path) -> Iterator[str]:
    text = page.read_text()
    if page == GLOSSARY:
        text = ROW.sub(r"\1|", text)
    yield from hits(text, str(page.relative_to(ROOT)))


def modules(folder: str) -> Iterator[tuple[str, ast.Module]]:
    for file in sorted((ROOT / folder).rglob("*.py")):
        yield str(file.relative_to(ROOT)), ast.parse(file.read_text())


@cache
def exceptions() -> frozenset[str]:
    """The names of all exception classes, those of Python included."""
    names = {
        name
        for name, value in vars(builtins).items()
        if isinstance(value, type) and issubclass(value, BaseException)
    }
    classes = [
        node
        for folder in FOLDERS
        for _, tree in modules(folder)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    ]
    while derived := {
        node.name
        for node in classes
        if node.name not in names and names & {name_of(base) for base in node.bases}
    }:
        names |= derived
    return frozenset(names)


def name_of(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def message_expressions(call: ast.Call, doc: str | None) -> Iterator[ast.expr]:
    """The arguments of a call that hold text for people."""
    if name_of(call.func) in MESSAGE_FUNCTIONS:
        yield from call.args
    elif name_of(call.func) in exceptions():
        yield from call.args
        yield from (keyword.value for keyword in call.keywords)
    for keyword in call.keywords:
        if keyword.arg in HELP_ARGUMENTS:
            if name_of(keyword.value) == "__doc__" and doc:
                yield ast.copy_location(ast.Constant(doc), keyword.value)
            else:
                yield keyword.value


def message_hits(folder: str) -> Iterator[str]:
    for source, tree in modules(folder):
        doc = ast.get_docstring(tree)
        strings = {
            (node.lineno, node.value)
            for call in ast.walk(tree)
            if isinstance(call, ast.Call)
            for expression in message_expressions(call, doc)
            for node in ast.walk(expression)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        for line, text in sorted(strings):
            yield from hits(text.replace("\n", " "), source, line)


def comment_hits(folder: str) -> Iterator[str]:
    """Comments and docstrings, those of attributes included."""
    for source, tree in modules(folder):
        for token in tokenize.generate_tokens(io.StringIO((ROOT / source).read_text()).readline):
            if token.type == tokenize.COMMENT:
                yield from hits(token.string, source, token.start[0])
        for node in ast.walk(tree):
            match node:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    yield from hits(text, source, node.lineno)


def name_hits(folder: str) -> Iterator[str]:
    for source, tree in modules(folder):
        yield from hits(re.sub(r"[/_.]", " ", source), source)
        for node in ast.walk(tree):
            match node:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    yield from hits(name.replace("_", " ").strip(), source, node.lineno)
                case ast.ClassDef(name=name):
                    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name.strip("_"))
                    yield from hits(words, source, node.lineno)
                case ast.Name(id=name, ctx=ast.Store()) if name.isupper():
                    yield from hits(name.strip("_"), source, node.lineno)


def test_the_glossary_is_a_page_of_forty_to_a_hundred_terms() -> None:
    text = GLOSSARY.read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ") and line[:7] != "| term "]
    assert 40 <= len(rows) <= 100
    assert [row for row in rows if not ROW.fullmatch(row)] == []
    terms = [row.split("|")[1].strip() for row in rows]
    assert len(set(terms)) == len(terms)
    assert len(set(rejected())) == len(rejected()) >= 40
    for page in ("README.md", "CONTRIBUTING.md"):
        assert "(docs/glossary.md)" in (ROOT / page).read_text(), page


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("First.\nRedis is\naway.", ["x:2: is away"]),
        ("Told, and TOLD again", ["x:1: Told", "x:1: TOLD"]),
        ("MOST_TRIES", ["x:1: MOST_"]),
        ("retold years, tears, besides, amended, a teller", ["x:1: retold"]),
    ],
)
def test_whole_words_are_found_in_any_case_and_across_lines(text: str, found: list[str]) -> None:
    assert [*hits(text, "x")] == found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_use_no_rejected_word(page: Path) -> None:
    assert_none(page_hits(page))


def test_the_schema_uses_no_rejected_word() -> None:
    assert_none(hits(SCHEMA.read_text(), SCHEMA.name))


def test_browser_pages_use_no_rejected_word() -> None:
    files = [
        file
        for folder in WEB_SOURCES
        for file in sorted(folder.rglob("*"))
        if file.suffix in WEB_SUFFIXES
    ]
    assert files
    assert_none(
        hit for file in files for hit in hits(file.read_text(), str(file.relative_to(ROOT)))
    )


def test_command_line_help_uses_no_rejected_word(capsys: pytest.CaptureFixture[str]) -> None:
    """`./studio … --help`. The help of other programs is checked with their messages."""

    def help_of(program: Callable[[list[str]], object], *command: str) -> Iterator[str]:
        with pytest.raises(SystemExit):
            program([*command, "--help"])
        yield from hits(capsys.readouterr().out, " ".join(("./studio", *command, "--help")))

    with pytest.raises(SystemExit):
        main(["--help"])
    commands = re.findall(r"^    ([a-z]+) ", capsys.readouterr().out, re.MULTILINE)
    assert {"up", "talk", "bench"} <= set(commands)
    found = [*help_of(main)]
    for command in commands:
        if command not in SELF_DOCUMENTED_COMMANDS:
            found += help_of(main, command)
    for command in ("verify", "export", "import"):
        found += help_of(bundles.main, command)
    assert_none(found)


@pytest.mark.parametrize("folder", FOLDERS)
def test_messages_use_no_rejected_word(folder: str) -> None:
    """Messages of logs, exceptions and findings, printed output, and help of command lines."""
    assert_none(message_hits(folder))


@pytest.mark.parametrize("folder", [*sorted({*FOLDERS} - {"migrations"}), "tests"])
def test_comments_and_docstrings_use_no_rejected_word(folder: str) -> None:
    """Except in migrations, because a released revision never changes."""
    assert_none(comment_hits(folder))


@pytest.mark.parametrize("folder", [*FOLDERS, "tests"])
def test_names_use_no_rejected_word(folder: str) -> None:
    """Names of modules, classes, functions and constants."""
    assert_none(name_hits(folder))
