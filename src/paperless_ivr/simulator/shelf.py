"""The policies that can be chosen; a file that is edited counts from the next call."""

import time
from pathlib import Path

from attrs import define, field

from paperless_ivr.backends.demo import demo_policy
from paperless_ivr.errors import Problems
from paperless_ivr.flow.policy import Policy
from paperless_ivr.prompts.policies import load_policy

DEMO = "demo"
"""The name of the policy that is in no file."""
Stamp = tuple[int, int] | None

SETTLED_S = 0.2
"""Seconds without a change after which a file counts as written to its end."""


@define(eq=False)
class Shelved:
    """A policy, and how its file stands."""

    name: str
    path: Path | None
    policy: Policy = field(init=False, repr=False)
    problems: tuple[str, ...] = field(init=False, default=())
    """Why the file as it is now cannot be used; calls keep the policy that was read before."""
    readings: int = field(init=False, default=1)
    """How often a usable policy was read."""
    _seen: Stamp = field(init=False, default=None)
    _noticed: tuple[Stamp, float] = field(init=False, default=(None, 0.0))
    """The file as it was seen last, and since when it has been so."""

    def __attrs_post_init__(self) -> None:
        """The first reading has to succeed: PolicyProblems names everything that is wrong."""
        self._seen = self._stamp()
        self.policy = load_policy(self.path) if self.path else demo_policy()

    def look(self) -> None:
        """Read the file again where it has changed, and is being written no longer."""
        stamp = self._stamp()
        if self.path is None or stamp == self._seen:
            return
        if stamp != self._noticed[0]:
            self._noticed = (stamp, time.monotonic())
        if time.monotonic() - self._noticed[1] < SETTLED_S:
            return
        self._seen = stamp
        try:
            self.policy, self.problems = load_policy(self.path), ()
            self.readings += 1
        except Problems as error:
            self.problems = error.problems

    def _stamp(self) -> Stamp:
        """What changes when a file is saved; None where it is away."""
        try:
            status = self.path.stat() if self.path else None
        except OSError:
            return None
        return (status.st_mtime_ns, status.st_size) if status else None


def shelved(paths: tuple[Path, ...]) -> dict[str, Shelved]:
    """Return the policies by name: the files, or the demo's where there are none."""
    if not paths:
        return {DEMO: Shelved(DEMO, None)}
    return {path.name: Shelved(path.name, path.absolute()) for path in paths}
