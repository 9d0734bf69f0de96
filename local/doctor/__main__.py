"""`python -m local.doctor`, as in a container."""

from __future__ import annotations

from domain.common.process_exit import exit_now
from local.doctor.command import main

if __name__ == "__main__":
    exit_now(main())
