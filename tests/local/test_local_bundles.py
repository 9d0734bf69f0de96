"""`./studio verify`, `export` and `import`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from domain.bundles.import_report import SettingsImport
from domain.bundles.model import KINDS, Bundle, write_bundle
from domain.bundles.yaml_writer import write_yaml
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.tools.actions import ContextSet
from domain.workflows.agents import Prompt
from domain.workflows.model import Node, WorkflowSpec
from graph.app import build_schema_with_loaders
from local.bundle_import import MAX_REQUEST_BYTES, import_bundle, split_bundle
from local.client import StudioClient
from local.emulators.http_server import run_server
from tests.local.test_local_cli import studio
from tests.support.api_server import running_api
from tests.support.demo_workflow import BOOK, BOOKING, CLINIC, RECEPTION
from tests.support.paths import CORPUS

WHOLE = Bundle(agents=(BOOKING, RECEPTION), tools=(BOOK,), workflows=(CLINIC,))
PLAIN = write_bundle(WHOLE)
LEGACY = CORPUS / "legacy"


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    file = tmp_path / "clinic.yaml"
    file.write_text(write_yaml(PLAIN))
    return file


def test_verify_of_a_valid_bundle_counts_its_contents(tmp_path: Path, clinic: Path) -> None:
    done = studio(tmp_path, "verify", str(clinic))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "1 workflow, 2 agents, 1 tool: 0 errors, 0 warnings\n"


def test_verify_prints_every_finding_with_its_line_and_its_fix(
    tmp_path: Path, clinic: Path
) -> None:
    text = clinic.read_text().replace("- book_appointment", "- book_table")
    clinic.write_text(text)
    line = text.splitlines().index("  tools:") + 1
    done = studio(tmp_path, "verify", str(clinic))
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [
        f"{clinic}:{line + 1} agents.booking.tools",
        "  error UNKNOWN_TOOL: There is no tool named 'book_table'.",
        "  fix: Create the tool, or remove it from the agent.",
        "1 workflow, 2 agents, 1 tool: 1 error, 0 warnings",
    ]
    reported = json.loads(studio(tmp_path, "verify", "--json", str(clinic)).stdout)
    assert reported == {
        "ok": False,
        "findings": [
            {
                "file": str(clinic),
                "line": line + 1,
                "workflow": "clinic",
                "path": ["agents", "booking", "tools"],
                "code": "UNKNOWN_TOOL",
                "severity": "ERROR",
                "message": "There is no tool named 'book_table'.",
                "fix": "Create the tool, or remove it from the agent.",
            }
        ],
        "notes": [],
    }


def test_verify_names_the_line_of_a_finding_about_the_settings(
    tmp_path: Path, clinic: Path
) -> None:
    texts = [{"text": "STILL_THERE", "language": "en", "say": "{{tenant.settings.greeting}}?"}]
    other = tmp_path / "settings.json"
    other.write_text(json.dumps({"settings": {"spokenTexts": texts}}, indent=1))
    [line] = [n for n, each in enumerate(other.read_text().splitlines(), 1) if "say" in each]
    done = studio(tmp_path, "verify", str(clinic), str(other))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:2] == [
        f"{other}:{line} settings.spokenTexts.0.say",
        "  warning UNKNOWN_SETTING: The settings have no value named 'greeting'.",
    ]


def test_verify_reads_a_directory_as_one_bundle(tmp_path: Path) -> None:
    place = tmp_path / "studio"
    (place / "agents").mkdir(parents=True)
    for agent in WHOLE.agents:
        (place / "agents" / f"{agent.name}.yaml").write_text(
            write_yaml(write_bundle(Bundle(agents=(agent,))))
        )
    rest = write_bundle(Bundle(tools=WHOLE.tools, workflows=WHOLE.workflows))
    (place / "rest.json").write_text(json.dumps(rest))
    done = studio(tmp_path, "verify", str(place))
    assert (done.returncode, done.stdout) == (
        0,
        "1 workflow, 2 agents, 1 tool: 0 errors, 0 warnings\n",
    )


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("agents:\n- name: a\n  promt: x\n", ":3 agents.0.promt: 'promt' is not a known key; did"),
        ("agents: [\n", ": This is not YAML: "),
        ("a: 1\na: 2\n", ": The key 'a' occurs twice in one object. (line 2)"),
        (
            "x: 1\n",
            ":1 x: 'x' is not a known key; the known keys are agents, tools, workflows, settings.",
        ),
    ],
)
def test_files_that_form_no_bundle_are_refused(tmp_path: Path, text: str, reported: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    for command in ("verify", "import"):
        done = studio(tmp_path, command, str(file), STUDIO_URL="http://127.0.0.1:1")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"{file}{reported}")
    error = json.loads(studio(tmp_path, "verify", "--json", str(file)).stdout)
    assert (error["ok"], error["error"]["file"]) == (False, str(file))


def test_verify_reports_all_unreadable_values_at_once(tmp_path: Path, clinic: Path) -> None:
    """An unknown action, two invalid placeholders and an invalid condition, in two files."""
    text = clinic.read_text()
    text = text.replace("contextSet", "contextSett", 1)
    text = text.replace(
        "Booked for {{params.slot}}.", "Say {{params.slot | shout}} {{weather.today}}"
    )
    clinic.write_text(text)
    other = tmp_path / "other.json"
    way = {"source": "a", "target": "a", "condition": "flags.x ==="}
    other.write_text(json.dumps({"workflows": [{"slug": "other", "connections": [way]}]}, indent=1))
    done = studio(tmp_path, "verify", str(clinic), str(other))
    assert (done.returncode, done.stdout) == (2, "")
    lines = text.splitlines()
    action = next(n for n, line in enumerate(lines, 1) if "contextSett" in line)
    message = next(n for n, line in enumerate(lines, 1) if "shout" in line)
    condition = next(n for n, line in enumerate(other.read_text().splitlines(), 1) if "===" in line)
    reported = [line.split(":", 2)[:2] for line in done.stderr.splitlines()]
    assert [(file, line.split(" ")[0]) for file, line in reported] == [
        (str(clinic), str(action)),
        (str(clinic), str(message)),
        (str(clinic), str(message)),
        (str(other), str(condition)),
    ]
    as_json = json.loads(studio(tmp_path, "verify", "--json", str(clinic), str(other)).stdout)
    assert (as_json["ok"], as_json["error"], len(as_json["errors"])) == (
        False,
        as_json["errors"][0],
        4,
    )


def test_unreadable_parts_of_a_legacy_configuration_are_errors(
    tmp_path: Path,
) -> None:
    tool = {
        "name": "save_date",
        "description": "Saves the date.",
        "actions": [{"type": "context.explode"}],
        "on_success": [{"type": "flag.set", "flag": "booked"}],
    }
    file = tmp_path / "tool.json"
    file.write_text(json.dumps({"tools": [tool]}, indent=1))
    done = studio(tmp_path, "verify", str(file))
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [
        f"{file}:7 tools.0.actions.0",
        "  error NOT_CONVERTED: There is no action of type 'context.explode'.",
        "  fix: Correct it in the imported file, or remove it there if it is not needed.",
        "0 workflows, 0 agents, 1 tool: 1 error, 0 warnings",
    ]
    for more in ((), ("--publish",), ("--dry-run",)):
        done = studio(tmp_path, "import", str(file), *more, STUDIO_URL="http://127.0.0.1:1")
        assert (done.returncode, done.stderr) == (
            1,
            "nothing was changed: 1 part of the files cannot be converted. (NOT_CONVERTIBLE)\n",
        )
    as_json = json.loads(
        studio(tmp_path, "import", "--json", str(file), STUDIO_URL="http://127.0.0.1:1").stdout
    )
    assert as_json["code"] == "NOT_CONVERTIBLE"
    assert [(f["code"], f["file"], f["line"]) for f in as_json["findings"]] == [
        ("NOT_CONVERTED", str(file), 7)
    ]


def test_a_finding_about_a_legacy_configuration_names_its_line(tmp_path: Path) -> None:
    tool = {
        "name": "Look-Up",
        "description": "Looks up.",
        "parameters": [{"name": "size", "type": "integer", "enum": ["small"]}],
        "actions": [{"type": "api_call", "url": "http://localhost:5432/", "method": "GET"}],
    }
    file = tmp_path / "tool.json"
    file.write_text(json.dumps(tool, indent=1))
    done = studio(tmp_path, "verify", str(file))
    assert done.returncode == 1
    found = [line for line in done.stdout.splitlines() if line.startswith(f"{file}:")]
    lines = file.read_text().splitlines()
    parameters = next(n for n, line in enumerate(lines, 1) if "parameters" in line)
    action = next(n for n, line in enumerate(lines, 1) if "localhost" in line) - 2
    assert f"{file}:{parameters} parameters.properties.size.enum.0" in found
    assert f"{file}:{action} actions.0.apiCall.url" in found


def test_files_of_other_products_are_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "theirs.json"
    for product in ("vapi-tool", "retell-agent", "elevenlabs-agent"):
        case = json.loads((CORPUS / "foreign" / f"{product}.json").read_text())
        file.write_text(json.dumps(case["value"]))
        for command in ("verify", "import"):
            done = studio(tmp_path, command, str(file), STUDIO_URL="http://127.0.0.1:1")
            assert (done.returncode, done.stdout) == (2, "")
            assert f"This looks like {case['what']} of {case['product']}" in done.stderr


def test_a_large_bundle_is_split_into_requests_without_changing_it() -> None:
    agents = [{"name": f"a{n}", "prompt": {"system": "é" * 30_000}} for n in range(60)]
    tools = [{"name": f"t{n}", "description": "x" * 2_000} for n in range(300)]
    whole = {"workflows": [{"slug": "w"}], "agents": agents, "settings": {"values": {}}}
    parts = split_bundle({**whole, "tools": tools})
    assert len(parts) == 5
    sizes = [len(json.dumps(part, ensure_ascii=False).encode()) for part in parts]
    assert max(sizes) <= MAX_REQUEST_BYTES
    merged = {kind: [each for part in parts for each in part.get(kind, [])] for kind in KINDS}
    assert merged == {"agents": agents, "tools": tools, "workflows": whole["workflows"]}
    assert [kind for part in parts for kind in part] == [
        *("settings", "tools", "agents", "agents", "agents", "agents", "agents", "workflows")
    ]
    assert split_bundle(whole | {"agents": []}) == [
        {"settings": {"values": {}}, "workflows": [{"slug": "w"}]}
    ]


@pytest.mark.anyio
async def test_an_export_that_is_larger_than_a_request_can_be_imported_again(
    services: Services, settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    agents = tuple(
        replace(RECEPTION, name=f"a{n}", prompt=Prompt(system="x" * 30_000)) for n in range(50)
    )
    nodes = (Node(id="n", agent="a7", is_entry=True, is_exit=True),)
    workflow = WorkflowSpec(name="large", nodes=nodes)
    file, again = tmp_path / "large.yaml", tmp_path / "again.yaml"
    file.write_text(write_yaml(write_bundle(Bundle(agents=agents, workflows=(workflow,)).sorted)))
    async with running_api(services, settings, viewer, build_schema_with_loaders) as api:
        given = {"STUDIO_URL": api.url, "STUDIO_TOKEN": api.token}

        async def run(*words: str) -> tuple[int, str]:
            done = await asyncio.to_thread(studio, tmp_path, *words, **given)
            return done.returncode, done.stdout.splitlines()[-1] if done.stdout else done.stderr

        dry_run = await asyncio.to_thread(
            studio, tmp_path, "import", str(file), "--dry-run", **given
        )
        assert dry_run.stdout.splitlines()[-1] == "dry run: 51 added"
        assert dry_run.stderr == (
            "The workflows were not verified, because the files are larger than a request. Verify "
            "them with ./studio verify.\n"
        )
        assert await run("import", str(file), "--publish") == (0, "51 added")
        assert await run("export", "-o", str(again)) == (0, "")
        assert again.read_text() == file.read_text()
        assert await run("import", str(again), "--publish") == (0, "51 unchanged")


Json = dict[str, Any]


@asynccontextmanager
async def scripted_api(*answers: Json) -> AsyncIterator[tuple[StudioClient, list[Json]]]:
    """An API that answers each import with the next of these answers, and the inputs it received."""
    inputs: list[Json] = []

    async def answer(request: Request) -> JSONResponse:
        inputs.append((await request.json())["variables"]["input"])
        return JSONResponse({"data": {"importBundle": answers[len(inputs) - 1]}})

    routes = [Route("/graphql", answer, methods=["POST"])]
    async with run_server(Starlette(routes=routes)) as url:
        yield StudioClient(url, "token"), inputs


IN_TWO_PARTS = {
    "agents": [{"name": f"a{n}", "prompt": {"system": "x" * 30_000}} for n in range(35)],
    "workflows": [{"slug": "w"}],
}
IMPORTED = {"dryRun": False, "report": [], "workflows": [], "versions": [], "findings": []}
REFUSED = {"message": "No.", "code": "NAME_TAKEN", "path": []}


@pytest.mark.anyio
async def test_a_dry_run_that_is_refused_does_not_claim_that_parts_were_imported() -> None:
    async with scripted_api({**IMPORTED, "dryRun": True}, REFUSED) as (client, inputs):
        found = await import_bundle(
            client, IN_TWO_PARTS, publish=True, dry_run=True, settings=SettingsImport.OVERRIDE
        )
    assert found == REFUSED
    assert [each["dryRun"] for each in inputs] == [True, True]


@pytest.mark.anyio
async def test_a_part_that_is_refused_after_others_is_reported_as_incomplete() -> None:
    async with scripted_api(IMPORTED, REFUSED) as (client, inputs):
        found = await import_bundle(
            client, IN_TWO_PARTS, publish=True, dry_run=False, settings=SettingsImport.OVERRIDE
        )
    message = "No. Other parts of the files have been imported."
    assert found == {**REFUSED, "message": message, "incomplete": True}
    assert [each["publish"] for each in inputs] == [False, False]


@pytest.mark.anyio
async def test_the_findings_of_a_bundle_in_parts_are_reported_once() -> None:
    warning = {"code": "NO_GREETING", "severity": "WARNING", "path": [], "message": "", "fix": ""}
    added = {"path": ["workflows", "w"], "kind": "ADDED", "message": "Newly created."}
    draft = {"slug": "w", "published": None}
    published = {"slug": "w", "published": {"id": "v", "number": 1}}
    answers = [
        IMPORTED,
        {**IMPORTED, "report": [added], "workflows": [draft], "findings": [warning]},
        {
            **IMPORTED,
            "report": [{**added, "kind": "UNCHANGED"}],
            "workflows": [published],
            "versions": [{"id": "v"}],
            "findings": [warning],
        },
    ]
    async with scripted_api(*answers) as (client, _):
        found = await import_bundle(
            client, IN_TWO_PARTS, publish=True, dry_run=False, settings=SettingsImport.OVERRIDE
        )
    assert found == {
        "dryRun": False,
        "report": [added],
        "workflows": [published],
        "versions": [{"id": "v"}],
        "findings": [warning],
    }


@pytest.mark.anyio
async def test_an_import_in_several_requests_that_fails_later_says_what_was_imported(
    services: Services, settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    value = ContextSet(path="workflow.x", value=["x" * 30_000] * 8)
    tools = (replace(BOOK, name="small"), replace(BOOK, name="too_large", actions=(value,) * 5))
    file = tmp_path / "tools.yaml"
    file.write_text(write_yaml(write_bundle(Bundle(tools=tools))))
    async with running_api(services, settings, viewer, build_schema_with_loaders) as api:
        given = {"STUDIO_URL": api.url, "STUDIO_TOKEN": api.token}
        done = await asyncio.to_thread(studio, tmp_path, "import", str(file), **given)
        exported = await asyncio.to_thread(studio, tmp_path, "export", "--json", **given)
    assert done.returncode == 1
    assert done.stderr == (
        "not imported completely: The request is larger than 1048576 bytes. Other parts of the "
        "files have been imported. (PAYLOAD_TOO_LARGE)\n"
    )
    assert [tool["name"] for tool in json.loads(exported.stdout)["tools"]] == ["small"]


@pytest.mark.anyio
async def test_an_import_can_leave_the_settings_as_they_are(
    services: Services, settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(write_yaml({"settings": {"values": {"company": "Sunrise"}}}))
    async with running_api(services, settings, viewer, build_schema_with_loaders) as api:
        given = {"STUDIO_URL": api.url, "STUDIO_TOKEN": api.token}

        async def put(company: str, *words: str) -> list[str]:
            file.write_text(write_yaml({"settings": {"values": {"company": company}}}))
            run = ("import", str(file), *words)
            done = await asyncio.to_thread(studio, tmp_path, *run, **given)
            assert (done.returncode, done.stderr) == (0, "")
            return done.stdout.splitlines()

        assert await put("Sunrise") == [
            'added      settings.values.company: Added: "Sunrise".',
            "1 added",
        ]
        for mode in ("add", "ignore"):
            assert await put("Sunset", "--settings", mode) == ["1 unchanged"]
        assert await put("Sunset") == [
            'changed    settings.values.company: Changed from "Sunrise" to "Sunset".',
            "1 changed",
        ]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    done = studio(tmp_path, "verify", "nowhere.yaml")
    assert (done.returncode, done.stderr) == (2, "nowhere.yaml: No such file or directory\n")


def test_legacy_configurations_in_several_files_are_converted_together(tmp_path: Path) -> None:
    whole = json.loads((LEGACY / "whole-tenant.json").read_text())
    for kind in ("agents", "tools", "workflows"):
        (tmp_path / f"{kind}.json").write_text(json.dumps({kind: whole[kind]}, indent=1))
    done = studio(
        tmp_path, "verify", *(str(tmp_path / f"{k}.json") for k in whole if k != "tenant")
    )
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[-1] == "1 workflow, 2 agents, 1 tool: 0 errors, 3 warnings"
    handoff = "The hand-off now names the node glucose_node instead of the agent glucose."
    assert any(f"{tmp_path}/tools.json:" in line and line.endswith(handoff) for line in lines)


def test_export_and_import_need_a_running_studio(tmp_path: Path, clinic: Path) -> None:
    for words in (("export",), ("import", str(clinic))):
        refused = studio(tmp_path, *words, STUDIO_URL="")
        assert refused.returncode == 1
        assert refused.stderr == "not running; start it with ./studio up, or set STUDIO_URL\n"
    for command in ("verify", "export", "import"):
        shown = studio(tmp_path, command, "--help", STUDIO_URL="")
        assert shown.returncode == 0
        assert shown.stdout.startswith(f"usage: ./studio {command} [-h]")


@pytest.mark.anyio
async def test_an_imported_bundle_is_exported_unchanged(
    services: Services, settings: Settings, viewer: Viewer, tmp_path: Path, clinic: Path
) -> None:
    lonely = write_bundle(Bundle(workflows=(CLINIC,)))
    lonely["workflows"][0]["slug"] = "lonely"
    lonely["workflows"][0]["nodes"][0]["agent"] = "nobody"
    unsound, out_file, text = tmp_path / "no.yaml", tmp_path / "out.json", write_yaml(PLAIN)
    unsound.write_text(write_yaml(lonely))
    async with running_api(services, settings, viewer, build_schema_with_loaders) as api:
        given = {"STUDIO_URL": api.url, "STUDIO_TOKEN": api.token}

        async def run(*words: str) -> tuple[int, str, str]:
            done = await asyncio.to_thread(studio, tmp_path, *words, **given)
            return done.returncode, done.stdout, done.stderr

        code, out, _ = await run("import", str(clinic), "--publish", "--dry-run")
        assert (code, out.splitlines()[-1]) == (0, "dry run: 4 added")
        code, out, _ = await run("import", str(clinic), "--publish")
        assert (code, out.splitlines()) == (
            0,
            [
                "added      tools.book_appointment: Newly created.",
                "added      agents.booking: Newly created.",
                "added      agents.reception: Newly created.",
                "added      workflows.clinic: Newly created.",
                "published  clinic version 1",
                "4 added",
            ],
        )
        assert await run("import", str(clinic), "--publish") == (0, "4 unchanged\n", "")
        assert await run("export") == (0, text, "")
        assert await run("export", "clinic", "-o", str(out_file)) == (0, "", "")
        assert await run("export", "nowhere") == (1, "", "There is no workflow 'nowhere'.\n")
        code, out, err = await run("import", str(unsound), "--publish")
        assert (code, out.splitlines()[0]) == (1, "workflows.lonely.nodes.0.agent")
        assert err.startswith("nothing was changed: lonely: The workflow has 1 error(s)")
        assert await run("export") == (0, text, "")
    assert json.loads(out_file.read_text()) == PLAIN
