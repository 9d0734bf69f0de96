"""`python -m worker.keeper`."""

from __future__ import annotations

from worker.keeper.main import main

main()
