"""The end of a process whose threads may still run."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import NoReturn


def exit_now(code: int) -> NoReturn:
    """End this process without finalizing the interpreter.

    Threads of LiveKit's library call Python, for instance to log. One that does so while the interpreter
    is finalized is ended by Python in the middle of Rust, which aborts the process (SIGABRT). Nor does
    this wait for threads that a name server keeps busy."""
    with suppress(BrokenPipeError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)
