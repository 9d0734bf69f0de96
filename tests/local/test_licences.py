"""NOTICE names every package whose licence restricts users."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

from tests.support.paths import ROOT

NOTICE = (ROOT / "NOTICE").read_text()
RESTRICTIVE = re.compile(r"GPL|MPL|EPL|CDDL|SSPL|LicenseRef|Proprietary|Commercial")


def installed() -> list[metadata.Distribution]:
    """The packages of the runtime lock that this machine has."""
    locked = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    return [package for package in metadata.distributions() if _name(package) in locked]


def licence(package: metadata.Distribution) -> str:
    facts = package.metadata
    classifiers = [c for c in facts.get_all("Classifier") or [] if c.startswith("License")]
    return " ".join([*(facts.get_all("License-Expression") or []), *classifiers])


def bundled(package: metadata.Distribution) -> set[str]:
    """The restrictive codecs among the libraries in its wheel."""
    libraries = {Path(str(file)).name.split("-")[0] for file in package.files or ()}
    return libraries & {"libx264", "libx265"}


def _name(package: metadata.Distribution) -> str:
    return re.sub(r"[-_.]+", "-", package.metadata["Name"]).lower()


def test_notice_names_every_package_with_a_restrictive_licence() -> None:
    found = {
        _name(package)
        for package in installed()
        if RESTRICTIVE.search(licence(package)) or bundled(package)
    }
    assert {"livekit-local-inference", "certifi", "orjson"} <= found
    assert [name for name in sorted(found) if not re.search(rf"\b{name}\b", NOTICE)] == []


def test_the_readme_summarises_the_restrictive_licences() -> None:
    [line] = [
        paragraph
        for paragraph in (ROOT / "README.md").read_text().split("\n\n")
        if "[NOTICE](NOTICE)" in paragraph
    ]
    assert "LiveKit Agents" in line
    assert "PyAV" in line
