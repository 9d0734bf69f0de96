"""`./studio bench`: measure one thing, or list what can be measured."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from local.state_dir import REPOSITORY

BENCH_DIR = REPOSITORY / "bench"


def run_benchmark(arguments: Sequence[str]) -> int:
    known = {path.stem: path for path in sorted(BENCH_DIR.glob("[a-z]*.py"))}
    if not arguments:
        for name, path in known.items():
            print(f"{name:<16} {_first_line(path)}")
        return 0
    name, *rest = arguments
    if name not in known:
        print(f"no bench named {name}; there are: {', '.join(known) or 'none'}", file=sys.stderr)
        return 2
    argv = (sys.executable, "-m", f"bench.{name}", *rest)
    return subprocess.run(argv, check=False, cwd=REPOSITORY).returncode


def _first_line(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]
