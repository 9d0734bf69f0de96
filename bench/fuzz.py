"""Fuzz templates, expressions, schemas and files: none may crash or take more than 5 ms of CPU.

./studio bench fuzz [TARGET ...] [--seconds 60] [--max-inputs N] [--seed N] [--json]"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Sequence

from bench.fuzzing.bundles import IMPORT
from bench.fuzzing.parameters import SCHEMA
from bench.fuzzing.run import Outcome, Target, fuzz
from bench.fuzzing.texts import EXPRESSION, TEMPLATE

TARGETS: dict[str, Target] = {
    target.name: target for target in (TEMPLATE, EXPRESSION, SCHEMA, IMPORT)
}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="studio bench fuzz", description=__doc__)
    parser.add_argument(
        "targets",
        nargs="*",
        metavar="TARGET",
        help=f"one or more of {', '.join(TARGETS)}; all by default",
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="duration for each target")
    parser.add_argument(
        "--max-inputs",
        type=int,
        default=sys.maxsize,
        help="maximum number of inputs for each target",
    )
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    unknown = set(options.targets) - TARGETS.keys()
    if unknown:
        parser.error(f"no target named {', '.join(sorted(unknown))}")
    print(f"fuzz: seed {options.seed}, {options.seconds:g} s for each target")
    outcomes: dict[str, Outcome] = {}
    for name in options.targets or TARGETS:
        outcomes[name] = fuzz(TARGETS[name], options.seconds, options.seed, options.max_inputs)
        _print_outcome(name, outcomes[name])
    if options.json:
        print(json.dumps({name: _figures(outcome) for name, outcome in outcomes.items()}))
    return 0 if all(outcome.passed for outcome in outcomes.values()) else 1


def _print_outcome(name: str, outcome: Outcome) -> None:
    figures = _figures(outcome)
    print(
        f"  {name:<12} {figures['per_second']:>10,.0f} exec/s, {figures['accepted']:.0%} accepted   "
        f"slowest {figures['slowest_ms']:.2f} ms   {len(outcome.crashes)} crashes",
        flush=True,
    )
    print(f"    slowest: {outcome.slowest_input}")
    for crash in outcome.crashes:
        print(f"    crash: {crash}")


def _figures(outcome: Outcome) -> dict[str, float]:
    return {
        "executions": outcome.executions,
        "accepted": round(outcome.accepted / max(outcome.executions, 1), 3),
        "per_second": round(outcome.executions / max(outcome.seconds, 1e-9), 1),
        "slowest_ms": round(outcome.slowest * 1000, 3),
        "crashes": len(outcome.crashes),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
