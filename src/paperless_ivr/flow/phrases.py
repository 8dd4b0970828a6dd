"""Words that describe guards in diagrams of the flow.

A guard is a function, and its words are stored in an attribute of the function. A guard that
combines other guards stores those guards instead, so that diagrams can show every condition.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from attrs import field, frozen

from paperless_ivr.flow.options import Choice
from paperless_ivr.flow.policy import Policy

G = TypeVar("G", bound=Callable[..., Any])


@frozen
class Phrase:
    """The words that describe a guard. Used as a decorator, a phrase attaches them to the guard."""

    holds: str = ""
    fails: str = ""
    """The words for when the guard does not hold, or "" if none are needed."""
    key: str = field(default="", kw_only=True)
    """The key that the caller presses to satisfy the guard."""
    choice: Choice | None = field(default=None, kw_only=True)
    """The option that the caller chooses. The question supplies its key and words."""
    fork: bool = field(default=False, kw_only=True)
    """Whether diagrams show the guard as a fork. The next row is its other branch."""
    returns: bool = field(default=False, kw_only=True)
    """Whether the call goes back to where it came from."""
    needs: Callable[[Policy], bool] | None = field(default=None, kw_only=True)
    """A function that returns whether the guard can hold under a policy."""
    settles: bool = field(default=False, kw_only=True)
    """Whether the policy alone decides: if `needs` is true, the guard always holds."""
    order: Callable[[Policy], int] | None = field(default=None, kw_only=True)
    """A function that returns the transition's position, if the policy sets the order."""

    def __call__(self, guard: G) -> G:
        """Attach these words to a guard."""
        vars(guard)["phrase"] = self
        return guard


@frozen
class Condition:
    """A guard with its words, and whether it must hold or must fail."""

    name: str
    phrase: Phrase
    holds: bool = True

    @property
    def words(self) -> str:
        """The words for the guard, or for its failure if it must fail."""
        return self.phrase.holds if self.holds else self.phrase.fails

    def met_by(self, policy: Policy) -> bool:
        """Whether the condition can be met under a policy."""
        needs = self.phrase.needs
        if needs is None or (not self.holds and not self.phrase.settles):
            return True
        return needs(policy) is self.holds

    def settled_by(self, policy: Policy) -> bool:
        """Whether the condition is always met under a policy."""
        return self.phrase.settles and self.met_by(policy)


def made_of(guard: G, parts: tuple[Callable[..., Any], ...], *, holds: bool = True) -> G:
    """Store the guards that a guard combines, and return that guard."""
    vars(guard)["parts"] = (parts, holds)
    return guard


@cache
def conditions(guard: Callable[..., Any]) -> tuple[Condition, ...]:
    """Return the conditions of a guard, in order. Raises LookupError if one has no words."""
    kept = vars(guard)
    if "parts" in kept:
        parts, holds = kept["parts"]
        each = (condition for part in parts for condition in conditions(part))
        return tuple(Condition(c.name, c.phrase, c.holds is holds) for c in each)
    if "phrase" not in kept:
        message = f"the guard {guard.__name__} has no words: put @Phrase(...) above it"
        raise LookupError(message)
    return (Condition(guard.__name__, kept["phrase"]),)
