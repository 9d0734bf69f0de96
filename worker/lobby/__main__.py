"""`python -m worker.lobby`."""

from __future__ import annotations

from worker.lobby.main import main

main()
