"""Every example of docs/api.md is sent to a server, and the page prints what comes back.

`…` in an output stands for any text. In `export NAME=…` it stands for the last id or token that was printed."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from domain.common import errors
from domain.common.access import Viewer
from domain.common.errors import DomainError
from domain.common.settings import Settings
from graph.app import build_schema_with_loaders
from graph.http.graphql_http import MAX_BODY_BYTES, MAX_IMPORT_BYTES
from graph.requests import complexity, cost
from graph.requests.operations import EXECUTION_TIMEOUT_SECONDS
from graph.requests.response_size import MAX_EXPORT_BYTES, MAX_RESPONSE_BYTES
from graph.schema.types.errors import ErrorCode
from graph.web.docs.routes import docs_routes
from local.client import StudioClient
from local.demo import seed
from local.emulator_service import EMULATOR_KEY
from local.emulators.speech import run_speech_emulator
from persistence.wiring import api_services
from resolvers.nodes import MAX_NODE_IDS
from tests.support.api_server import Api, running_api
from tests.support.outbound_calls import NO_LIVEKIT, add_trunk
from tests.support.paths import ROOT
from tests.support.voice_clients import with_voice_providers
from tests.worker.test_text_calls import running_worker

pytestmark = pytest.mark.anyio

PAGE = (ROOT / "docs" / "api.md").read_text()
LOCAL_URL = "http://127.0.0.1:8000"
TIMEOUT_SECONDS = 120
SHELL = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
"""The environment of a reader. `./studio` keeps the current folder out of the path of Python."""
OUTPUTS = ("json", "text")
PRINTED_ID = re.compile(r'(?:"id": ?"|"accessToken": ?"|#invitation=)([^"]+)')
NEVER_SENT = {"CONFLICT", "INVALID_SETTING", "INVALID_TRANSITION", "CALLER_REFUSED"}
"""Codes of errors that no request of the API causes."""
CODES_OF_OTHER_PAGES = {
    "single-sign-on.md": {"DENIED_BY_PROVIDER", "PROVIDER_UNAVAILABLE", "SIGN_IN_FAILED"},
    "tenants.md": {"QUOTA_NEARLY_EXHAUSTED"},
}
"""Codes of redirects and of warnings, which are no errors of a response."""


@dataclass(frozen=True, slots=True)
class Example:
    language: str
    text: str
    output: str = ""
    """Empty for a file that other examples import, and for variables."""
    is_json: bool = False

    @property
    def file_name(self) -> str | None:
        """The name of the file that other examples import."""
        name = re.match(r"(?:#|//) (\w+\.(?:py|ts))\n", self.text)
        return name[1] if name else None

    @property
    def only_sets_variables(self) -> bool:
        return all(line.startswith("export ") for line in self.text.splitlines())


def examples(*languages: str) -> list[Example]:
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    found = []
    for (language, text), (next_language, output) in zip(
        blocks, [*blocks[1:], ("", "")], strict=True
    ):
        example = Example(language, text)
        if language not in OUTPUTS and not example.file_name and not example.only_sets_variables:
            assert next_language in OUTPUTS, f"without an output: {text}"
            example = Example(language, text, output, is_json=next_language == "json")
        if language in languages:
            found.append(example)
    assert {language for language, _ in blocks} <= {*OUTPUTS, "sh", "graphql", "python", "ts"}
    return found


def assert_printed(example: Example, printed: str) -> None:
    if example.is_json:
        expected, actual = json.loads(example.output), json.loads(printed)
        if "extensions" not in expected:
            actual.pop("extensions", None)
        assert fill_in(expected, actual) == actual, example.text
    else:
        expected_lines = example.output.splitlines()
        assert fill_in(expected_lines, printed.splitlines()) == printed.splitlines(), example.text


def fill_in(expected: Any, actual: Any) -> Any:
    """The expected value, with the actual strings in place of those with an ellipsis that match."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        return {name: fill_in(value, actual.get(name)) for name, value in expected.items()}
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        return [fill_in(*pair) for pair in zip(expected, actual, strict=True)]
    if isinstance(expected, str) and isinstance(actual, str):
        pattern = ".+".join(map(re.escape, expected.split("…")))
        return actual if re.fullmatch(pattern, actual, re.DOTALL) else expected
    return expected


@pytest.fixture
async def documented_api(settings: Settings, viewer: Viewer) -> AsyncIterator[Api]:
    """What `./studio up` starts, with voices and a trunk."""
    keys = {"DEEPGRAM_API_KEY": EMULATOR_KEY, "CARTESIA_API_KEY": EMULATOR_KEY}
    async with run_speech_emulator() as emulator:
        voiced = with_voice_providers(settings, NO_LIVEKIT, emulator)
        async with (
            api_services(voiced) as services,
            running_api(
                services, voiced, viewer, build_schema_with_loaders, extra_routes=docs_routes()
            ) as api,
            running_worker(settings),
        ):
            await seed(StudioClient(api.url, api.key), keys)
            await add_trunk(services, viewer)
            yield api


class Reader:
    """A person who tries one example of the page after the other, in one shell."""

    def __init__(self, api: Api, folder: Path) -> None:
        self._api = api
        self._folder = folder
        self._exports = ""
        self._last_id = ""
        (folder / ".studio").mkdir()
        (folder / ".studio" / "token").write_text(api.key + "\n")

    async def try_example(self, example: Example) -> None:
        if example.file_name:
            (self._folder / example.file_name).write_text(example.text)
        elif example.only_sets_variables:
            text = example.text.replace(LOCAL_URL, self._api.url)
            self._exports += text.replace("…", self._last_id)
        else:
            printed = await self._print(example)
            assert_printed(example, printed)
            if found := PRINTED_ID.search(printed):
                self._last_id = found[1]

    async def _print(self, example: Example) -> str:
        match example.language:
            case "graphql":
                return await self._query(example.text)
            case "python":
                (self._folder / "example.py").write_text(example.text)
                return await self.run(f"{sys.executable} example.py")
            case _:
                return await self.run(example.text)

    async def _query(self, document: str) -> str:
        headers = {"x-api-key": self._api.key}
        body = {"query": document}
        return (await self._api.http.post("/graphql", json=body, headers=headers)).text

    async def run(self, script: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *("bash", "-c", self._exports + script),
            cwd=self._folder,
            env=SHELL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                printed, problems = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode == 0, problems.decode() + script
        return printed.decode()


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
async def test_the_examples_print_what_the_page_says(documented_api: Api, tmp_path: Path) -> None:
    reader = Reader(documented_api, tmp_path)
    for example in examples("sh", "python", "graphql"):
        await reader.try_example(example)


async def test_the_typescript_examples_are_typed_and_print_what_the_page_says(
    documented_api: Api, js_packages: Path
) -> None:
    folder = js_packages / "typescript"
    reader = Reader(documented_api, folder)
    [variables] = [each for each in examples("sh") if LOCAL_URL in each.text]
    await reader.try_example(variables)
    programs = {
        each.file_name or f"example{number}.ts": each for number, each in enumerate(examples("ts"))
    }
    for name, example in programs.items():
        (folder / name).write_text(example.text)
    assert await reader.run("node ../node_modules/typescript/bin/tsc -p .") == ""
    for name, example in programs.items():
        if example.output:
            script = f"node --import ../websocket.mjs {name.removesuffix('ts')}js"
            assert_printed(example, await reader.run(script))


# ---- tables --------------------------------------------------------------------------------


def rows(heading: str) -> Iterator[list[str]]:
    """The rows of the table with this heading, without the heading."""
    table = PAGE[PAGE.index(f"\n| {heading} |") + 1 :].split("\n\n")[0]
    for line in table.splitlines()[2:]:
        yield [cell.strip() for cell in line.strip("|").split(" | ")]


def codes(heading: str) -> list[str]:
    return [code for row in rows(heading) for code in re.findall(r"`([A-Z_]+)`", row[0])]


def test_every_code_of_a_typed_error_is_in_the_page() -> None:
    assert sorted(codes("code")) == sorted(ErrorCode)


def test_every_other_code_is_in_the_page() -> None:
    raised = {
        each.code for each in all_subclasses(DomainError) if each.__module__ == errors.__name__
    }
    own = {
        node.value
        for folder in ("requests", "http", "websocket")
        for file in (ROOT / "graph" / folder).glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"[A-Z]+(_[A-Z]+)+|INTERNAL", node.value)
    }
    elsewhere = set[str]().union(*CODES_OF_OTHER_PAGES.values())
    expected = (raised | own) - {*ErrorCode} - NEVER_SENT - elsewhere
    assert sorted(set(codes("`extensions.code`")) - {*ErrorCode}) == sorted(expected)


@pytest.mark.parametrize("page", CODES_OF_OTHER_PAGES)
def test_other_codes_are_in_other_pages(page: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    assert [code for code in CODES_OF_OTHER_PAGES[page] if f"`{code}`" not in text] == []


def all_subclasses(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for each in kind.__subclasses__():
        yield each
        yield from all_subclasses(each)


def test_the_limits_in_the_page_are_those_that_apply() -> None:
    kib, mib = 1024, 1024 * 1024
    assert dict(rows("limit")) == {
        "size of a request": f"{MAX_BODY_BYTES // kib} KiB; {MAX_IMPORT_BYTES // mib} MiB for `importBundle` alone",
        "size of a response": f"{MAX_RESPONSE_BYTES // mib} MiB; {MAX_EXPORT_BYTES // mib} MiB for `exportBundle` alone",
        "duration of a query or mutation": f"{EXECUTION_TIMEOUT_SECONDS:.0f} seconds",
        "depth of a document": f"{complexity.MAX_DEPTH}",
        "root fields": f"{complexity.MAX_ROOT_FIELDS}",
        "aliases": f"{complexity.MAX_ALIASES}",
        "tokens of a document": f"{complexity.MAX_TOKENS}",
        "cost of an operation": f"{cost.MAX_COST}",
        "page size": f"{cost.MAX_PAGE_SIZE}",
        "`nodes(ids: …)`": f"{MAX_NODE_IDS}",
    }
    assert f"`REQUESTS_PER_MINUTE` ({Settings().requests_per_minute})" in PAGE
