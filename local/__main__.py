"""`python -m local`: the command line, with a hint if a package of the installation is missing."""

from __future__ import annotations

import sys

from local.installation import INCOMPLETE

try:
    from local.cli import main
except ModuleNotFoundError as error:
    sys.exit(f"{error}. {INCOMPLETE}")

sys.exit(main())
