"""Runs the command line as if some modules were not installed.

`python -m tests.only HIDDEN ARGUMENTS…`. HIDDEN are top-level modules, separated by commas.
"""

import sys
from importlib.machinery import ModuleSpec

from paperless_ivr.cli import main


class Missing:
    """Hides these modules."""

    def __init__(self, hidden: str) -> None:
        self.hidden = frozenset(hidden.split(","))

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Raise an error for a hidden module, as Python's import system asks each finder."""
        if name.partition(".")[0] in self.hidden:
            message = f"No module named {name!r}"
            raise ModuleNotFoundError(message, name=name)
        return None


if __name__ == "__main__":
    hidden, *arguments = sys.argv[1:]
    missing = Missing(hidden)
    for name in [name for name in sys.modules if name.partition(".")[0] in missing.hidden]:
        del sys.modules[name]
    sys.meta_path.insert(0, missing)
    main(arguments, prog_name="paperless-ivr")
