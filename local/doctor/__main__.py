"""`python -m local.doctor`, as in a container."""

from __future__ import annotations

import os
import sys

from local.doctor.command import main

if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
