"""`python -m worker.simulation`."""

from __future__ import annotations

import sys

from worker.simulation.main import main

sys.exit(main())
