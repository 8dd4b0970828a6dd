"""Runs the command line as if nothing were installed but the package with some of its extras.

`python -m tests.only EXTRAS ARGUMENTS…`; EXTRAS have commas between them, and may be empty.
"""

import sys
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from paperless_ivr.cli import main

PROJECT = "paperless-ivr"


def needed(extras: str) -> set[str]:
    """The distributions that an installation with these extras has, by their normal names."""
    seen: set[tuple[str, frozenset[str]]] = set()
    to_see = [Requirement(f"{PROJECT}[{extras}]")]
    while to_see:
        wanted = to_see.pop()
        name, chosen = canonicalize_name(wanted.name), frozenset(wanted.extras)
        if (name, chosen) in seen:
            continue
        seen.add((name, chosen))
        try:
            needs = map(Requirement, distribution(name).requires or [])
        except PackageNotFoundError:
            continue  # of another platform
        to_see += [
            need
            for need in needs
            if need.marker is None
            or any(need.marker.evaluate({"extra": one}) for one in chosen or {""})
        ]
    return {name for name, _ in seen}


class Missing:
    """Finds no module of a distribution that is not needed."""

    def __init__(self, extras: str) -> None:
        there = needed(extras)
        self.hidden = {
            module
            for module, names in packages_distributions().items()
            if not there & {canonicalize_name(name) for name in names}
        }

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """As Python's import asks each finder."""
        if name.partition(".")[0] in self.hidden:
            message = f"No module named {name!r}"
            raise ModuleNotFoundError(message, name=name)
        return None


if __name__ == "__main__":
    extras, *arguments = sys.argv[1:]
    missing = Missing(extras)
    for name in [name for name in sys.modules if name.partition(".")[0] in missing.hidden]:
        del sys.modules[name]
    sys.meta_path.insert(0, missing)
    main(arguments, prog_name=PROJECT)
