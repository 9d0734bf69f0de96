"""`./studio` with small stand-ins for the services: `python -m tests.local_toys up …`.

TOYS lists them as `name=needs,needs`; each writes what happens to it to STUDIO_STATE/journal.
"""

from __future__ import annotations

import os
import sys

from local.cli import main
from local.program import Program
from local.service import Service, touches
from local.services import Plan

TOY = """
import os, signal, sys, time
name, journal = sys.argv[1:]
def note(what):
    with open(journal, "a") as file:
        file.write(f"{name} {what}\\n")
def stop(*_):
    if name in os.environ.get("STUBBORN", ""):
        return note("refused")
    note("stopped")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
note(f"started")
if name in os.environ.get("BROKEN", ""):
    print("WARNING: no fuel", flush=True)
    sys.exit("ERROR: the engine is gone")
if name.startswith("step"):
    sys.exit(0)
open(os.environ["READY_FILE"], "w").close()
while True:
    time.sleep(10)
"""


def toys(plan: Plan) -> tuple[Service, ...]:
    wanted = dict(toy.split("=") for toy in plan.environ["TOYS"].split())
    return tuple(_toy(plan, name, needs) for name, needs in wanted.items())


def _toy(plan: Plan, name: str, needs: str) -> Service:
    state = plan.state
    argv = (sys.executable, "-S", "-c", TOY, name, str(state.root / "journal"))
    ready = touches(state.ready_file(name))
    program = Program(name=name, argv=argv, env=plan.environ, ready=ready, grace=0.5)
    return Service(program=program, after=tuple(needs.split(",")), once=name.startswith("step"))


if __name__ == "__main__":
    os.environ.setdefault("DATABASE_URL", "unused")
    os.environ.setdefault("REDIS_URL", "unused")
    sys.exit(main(services=toys))
