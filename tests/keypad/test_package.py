"""The package as a whole."""

import subprocess
import sys

from paperless_ivr import keypad


def test_libraries_are_imported_when_needed() -> None:
    """Importing the package loads neither phonenumbers nor email-validator."""
    program = (
        "import sys, paperless_ivr.keypad;"
        "sys.exit(not {'phonenumbers', 'email_validator'}.isdisjoint(sys.modules))"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_public_names() -> None:
    """The public names are sorted and complete."""
    assert sorted(keypad.__all__) == keypad.__all__
    assert [name for name in keypad.__all__ if not hasattr(keypad, name)] == []
