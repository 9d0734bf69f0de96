"""`./studio` with small replacements for the services: `python -m tests.support.local_toys up …`.

TOYS lists them as `name=needs,needs`. Each writes its events to STUDIO_STATE/journal. The variables
BROKEN, FRAIL, STUBBORN, SLOW and PARENT name a service that fails at once, exits after it is ready until
the file STUDIO_STATE/fixed exists, ignores SIGTERM, is never ready, or starts a process that outlives it.
"""

from __future__ import annotations

import os
import sys

from local.cli import main
from local.livekit_availability import LIVEKIT_VARIABLES
from local.process_spec import ProcessSpec
from local.service import Service, file_ready
from local.services import Plan

TOY = """
import os, signal, sys, time
name, state = sys.argv[1:]

def note(what):
    with open(f"{state}/journal", "a") as file:
        file.write(f"{name} {what}\\n")

def stop(*_):
    if os.environ.get("STUBBORN") != name:
        note("stopped")
        sys.exit(0)

signal.signal(signal.SIGTERM, stop)
note("started")
if os.environ.get("BROKEN") == name:
    sys.exit("ERROR: the engine is gone")
if name == "step":
    sys.exit(0)
if os.environ.get("PARENT") == name and os.fork() == 0:
    name += "'s child"
    note(str(os.getpid()))
elif os.environ.get("SLOW") != name:
    open(os.environ["READY_FILE"], "w").close()
if os.environ.get("FRAIL") == name and not os.path.exists(f"{state}/fixed"):
    time.sleep(0.05)
    print('{"level": "INFO", "message": "request"}')
    print("the engine is gone", flush=True)
    sys.exit(3)
while True:
    time.sleep(0.1)
    if name == "store" and os.path.exists(f"{state}/say"):
        print(open(f"{state}/say").read(), end="", flush=True)
        os.remove(f"{state}/say")
"""


def toys(plan: Plan) -> tuple[Service, ...]:
    needs_by_name = dict(toy.split("=") for toy in plan.environ["TOYS"].split())
    return tuple(_toy(plan, name, needs) for name, needs in needs_by_name.items())


def _toy(plan: Plan, name: str, needs: str) -> Service:
    spec = ProcessSpec(
        name=name,
        argv=(sys.executable, "-S", "-c", TOY, name, str(plan.state.root)),
        env=plan.environ,
        ready=file_ready(plan.state.ready_file(name)),
        grace_seconds=float(plan.environ.get("GRACE", "10")),
        children_outlive=plan.environ.get("PARENT") == name,
    )
    return Service(spec=spec, after=tuple(needs.split(",")), once=name == "step")


if __name__ == "__main__":
    os.environ.setdefault("DATABASE_URL", "unused")
    os.environ.setdefault("REDIS_URL", "unused")
    for name in LIVEKIT_VARIABLES:
        os.environ.setdefault(name, "unused")
    sys.exit(main(services=toys))
