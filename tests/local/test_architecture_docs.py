"""The contributor documentation names files, modules, rules and benchmarks that exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.support.paths import ROOT

ARCHITECTURE = ROOT / "docs" / "architecture.md"
PAGES = [
    ARCHITECTURE,
    ROOT / "docs" / "decisions.md",
    ROOT / "docs" / "versions.md",
    ROOT / "CONTRIBUTING.md",
]
FOLDERS = (
    *("domain", "persistence", "worker", "graph", "resolvers", "local", "migrations"),
    *("bench", "tests", "docs", "client"),
)
OURS = "|".join(FOLDERS)
PATH = re.compile(rf"(?<![\w/.-])(?:{OURS})/(?:[\w.-]+/)*(?:[\w-]+(?:\.[\w-]+)*)?")
MODULE = re.compile(rf"(?:python -m |`)((?:{OURS})(?:\.\w+)+)(?=[\s`])")
FILE_AT_THE_TOP = re.compile(r"`([\w-]+\.(?:md|toml|yml|graphql|lock))`")
BENCHMARK = re.compile(r"\./studio bench ([a-z_]+)")
MAIN_LINE = "## The path of a text message"
MAX_FILES_OF_A_TEXT_MESSAGE = 11


def section(heading: str) -> str:
    page = ARCHITECTURE.read_text()
    begin = page.index(f"\n{heading}\n")
    end = page.find("\n## ", begin + 1)
    return page[begin : end if end > 0 else None]


def is_module(name: str) -> bool:
    place = ROOT.joinpath(*name.split("."))
    return place.with_suffix(".py").exists() or (place / "__init__.py").exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_named_file_folder_and_module_exists(page: Path) -> None:
    text = page.read_text()
    paths = set(PATH.findall(text)) | set(FILE_AT_THE_TOP.findall(text))
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []
    assert [name for name in sorted(set(MODULE.findall(text))) if not is_module(name)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_named_benchmark_exists(page: Path) -> None:
    names = set(BENCHMARK.findall(page.read_text()))
    assert [name for name in names if not (ROOT / "bench" / f"{name}.py").exists()] == []


def test_the_main_line_of_a_text_message_has_the_stated_number_of_files() -> None:
    text = section(MAIN_LINE)
    steps = re.findall(r"^(\d+)\. `([^`]+)`", text, re.MULTILINE)
    files = [file for _, file in steps]
    assert [int(number) for number, _ in steps] == [*range(1, len(files) + 1)]
    assert len(set(files)) == len(files) <= MAX_FILES_OF_A_TEXT_MESSAGE
    assert [file for file in files if not (ROOT / file).is_file()] == []
    assert re.findall(r"The main line has\s+(\d+)\s+files", text) == [str(len(files))]


def test_every_folder_of_code_is_described() -> None:
    text = ARCHITECTURE.read_text()
    packages = {
        init.parent.relative_to(ROOT)
        for folder in FOLDERS
        for init in (ROOT / folder).rglob("__init__.py")
        if folder not in ("bench", "migrations")
    }
    # A folder that holds only bytecode is left over from an earlier checkout.
    sources = [file for file in (ROOT / "tests").glob("*/**/*.*") if file.suffix != ".pyc"]
    tests = {Path(*file.relative_to(ROOT).parts[:2]) for file in sources}
    folders = packages | tests
    assert [str(folder) for folder in sorted(folders) if f"`{folder}/`" not in text] == []


def test_the_documented_import_rules_are_enforced() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    enforced = [contract["name"] for contract in project["tool"]["importlinter"]["contracts"]]
    rows = re.findall(r"^\| ([^|]+) \|", section("## Import rules"), re.MULTILINE)
    assert rows == ["contract", *enforced]
