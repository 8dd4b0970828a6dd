"""The words of a guard, beside the guard: what a picture of the flow says where it holds.

A guard is a function; its words are kept with it. Guards made of guards know their parts, so
that a row can be read condition by condition.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from attrs import field, frozen

from paperless_ivr.flow.options import Choice
from paperless_ivr.flow.policy import Policy

G = TypeVar("G", bound=Callable[..., Any])


@frozen
class Phrase:
    """The words of a guard, put above it as a decorator."""

    holds: str = ""
    fails: str = ""
    """What is said where it does not hold; "" where nothing needs to be said."""
    key: str = field(default="", kw_only=True)
    """The key that the caller presses."""
    choice: Choice | None = field(default=None, kw_only=True)
    """The option that the caller chooses: its key and its words stand with the question."""
    fork: bool = field(default=False, kw_only=True)
    """Says nothing: the row below is where the call goes otherwise."""
    returns: bool = field(default=False, kw_only=True)
    """The call goes back to where it came from."""
    needs: Callable[[Policy], bool] | None = field(default=None, kw_only=True)
    """Whether a policy lets the guard hold at all."""
    settles: bool = field(default=False, kw_only=True)
    """`needs` alone decides: where it is met, the guard always holds."""

    def __call__(self, guard: G) -> G:
        """Gives a guard these words, as a decorator."""
        vars(guard)["phrase"] = self
        return guard


@frozen
class Condition:
    """A guard with its words, and whether it has to hold or to fail."""

    name: str
    phrase: Phrase
    holds: bool = True

    @property
    def words(self) -> str:
        """What is said of it."""
        return self.phrase.holds if self.holds else self.phrase.fails

    def met_by(self, policy: Policy) -> bool:
        """Whether the policy lets it be so."""
        needs = self.phrase.needs
        if needs is None or (not self.holds and not self.phrase.settles):
            return True
        return needs(policy) is self.holds

    def settled_by(self, policy: Policy) -> bool:
        """Whether the policy alone makes it so."""
        return self.phrase.settles and self.met_by(policy)


def made_of(guard: G, parts: tuple[Callable[..., Any], ...], *, holds: bool = True) -> G:
    """Remembers what a guard was made of."""
    vars(guard)["parts"] = (parts, holds)
    return guard


def conditions(guard: Callable[..., Any]) -> tuple[Condition, ...]:
    """The conditions of a guard, in their order. LookupError for one that has no words."""
    kept = vars(guard)
    if "parts" in kept:
        parts, holds = kept["parts"]
        each = (condition for part in parts for condition in conditions(part))
        return tuple(Condition(c.name, c.phrase, c.holds is holds) for c in each)
    if "phrase" not in kept:
        message = f"the guard {guard.__name__} has no words: put @Phrase(...) above it"
        raise LookupError(message)
    return (Condition(guard.__name__, kept["phrase"]),)
