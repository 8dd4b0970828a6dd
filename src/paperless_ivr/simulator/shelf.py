"""The policies to choose from. An edited policy file takes effect with the next call."""

import time
from collections.abc import Mapping
from pathlib import Path

from attrs import define, field, frozen

from paperless_ivr.backends.demo import demo_policy
from paperless_ivr.diagrams.pictures import chapters, overview, switched_off
from paperless_ivr.errors import Problems
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.states import Phase, State
from paperless_ivr.flow.table import FLOW
from paperless_ivr.prompts.policies import load_policy

DEMO = "demo"
"""The name of the built-in policy, which has no file."""
Stamp = tuple[int, int] | None

SETTLED_S = 0.2
"""The number of seconds without a change after which a file counts as fully written."""


@frozen(eq=False)
class Reading:
    """A policy that was read and can be used, with pictures of the flow under it."""

    number: int
    """The number of this reading of the file, counted from 1."""
    policy: Policy = field(repr=False)
    pictures: Mapping[str, str] = field(repr=False)
    """SVG images by the chapter's code name; `END` has the picture of the whole call."""
    off: Mapping[Phase, int] = field(repr=False)
    """The number of transitions in each chapter that the policy switches off."""

    @classmethod
    def of(cls, policy: Policy, number: int) -> "Reading":
        """Return a reading, and draw its pictures. Takes about half a second."""

        def nowhere(_: Phase | None, __: State | None) -> str:
            return ""

        pictures = {
            Phase.END.name: overview(FLOW, policy, nowhere).element(),
            **{
                phase.name: canvas.element()
                for phase, canvas in chapters(FLOW, policy, nowhere).items()
            },
        }
        return cls(number, policy, pictures, switched_off(FLOW, policy))


@define(eq=False)
class Shelved:
    """A policy, and the state of its file."""

    name: str
    path: Path | None
    reading: Reading = field(init=False, repr=False)
    problems: tuple[str, ...] = field(init=False, default=())
    """The problems with the file. If there are any, calls use the previous policy."""
    _seen: Stamp = field(init=False, default=None)
    _noticed: tuple[Stamp, float] = field(init=False, default=(None, 0.0))
    """The file's stamp when last checked, and the time when that stamp was first seen."""

    def __attrs_post_init__(self) -> None:
        """Read the policy for the first time. Raises PolicyProblems if it is invalid."""
        self._seen = self._stamp()
        self.reading = Reading.of(load_policy(self.path) if self.path else demo_policy(), 1)

    def look(self) -> bool:
        """Reread the file if it has changed and is fully written. Return whether it was reread."""
        stamp = self._stamp()
        if self.path is None or stamp == self._seen:
            return False
        if stamp != self._noticed[0]:
            self._noticed = (stamp, time.monotonic())
        if time.monotonic() - self._noticed[1] < SETTLED_S:
            return False
        self._seen = stamp
        try:
            policy = load_policy(self.path)
        except Problems as error:
            self.problems = error.problems
        else:
            self.reading, self.problems = Reading.of(policy, self.reading.number + 1), ()
        return True

    def _stamp(self) -> Stamp:
        """Return a value that changes whenever the file is saved, or None if there is no file."""
        try:
            status = self.path.stat() if self.path else None
        except OSError:
            return None
        return (status.st_mtime_ns, status.st_size) if status else None


def shelved(paths: tuple[Path, ...]) -> dict[str, Shelved]:
    """Return the policies by name: the files, or the demo policy if there are none."""
    if not paths:
        return {DEMO: Shelved(DEMO, None)}
    return {path.name: Shelved(path.name, path.absolute()) for path in paths}
