"""`./studio bench`: run one benchmark, or list them."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from local.state_dir import REPOSITORY

BENCH_DIR = REPOSITORY / "bench"


def run_benchmark(arguments: Sequence[str]) -> int:
    benchmarks = {path.stem: path for path in sorted(BENCH_DIR.glob("[a-z]*.py"))}
    if not arguments:
        for name, path in benchmarks.items():
            print(f"{name:<16} {_first_line(path)}")
        return 0
    name, *rest = arguments
    if name not in benchmarks:
        available = ", ".join(benchmarks) or "none"
        print(f"no benchmark named {name}; available: {available}", file=sys.stderr)
        return 2
    argv = (sys.executable, "-m", f"bench.{name}", *rest)
    return subprocess.run(argv, check=False, cwd=REPOSITORY).returncode


def _first_line(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]
