"""What to do about an installation in which a package is missing. Imports nothing that may be."""

INCOMPLETE = (
    "The installation is not complete: delete the directory .venv and run ./studio again, which "
    "installs every package."
)
