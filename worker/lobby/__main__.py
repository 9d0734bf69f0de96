"""`python -m worker.lobby`."""

from __future__ import annotations

from domain.common.process_exit import exit_now
from worker.lobby.main import main

main()
exit_now(0)
