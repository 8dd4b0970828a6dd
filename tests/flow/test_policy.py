"""A policy is a value, with a default and a reason for each setting."""

import copy
import pickle
from typing import Any

import pytest
from attrs import evolve, fields
from attrs.exceptions import FrozenInstanceError

from paperless_ivr.flow.host import Disposition, Moment
from paperless_ivr.flow.policy import Bills, Fixed, Offer, Policy, Strategy
from paperless_ivr.flow.policy_checks import settings

EVERY = {".".join(map(str, place)): setting for place, setting, _ in settings(Policy())}


@pytest.mark.parametrize("name", EVERY)
def test_reason(name: str) -> None:
    """Each setting has a reason next to it, several words long."""
    assert len(EVERY[name].metadata["why"].split()) >= 3


@pytest.mark.parametrize("name", EVERY)
def test_bounds_of_numbers(name: str) -> None:
    """Each number has a lower and an upper bound, and its default is within them."""
    setting = EVERY[name]
    least, most = setting.metadata["least"], setting.metadata["most"]
    numbers = [n for n in _inside(setting.default) if isinstance(n, int | float)]
    bounded = [n for n in numbers if not isinstance(n, bool)]

    assert (least is None, most is None) == (not bounded, not bounded)
    assert all(least <= n <= most for n in bounded)


def _inside(value: Any) -> list[Any]:
    match value:
        case Fixed():
            return [leaf for item in value.values() for leaf in _inside(item)]
        case tuple():
            return [leaf for item in value for leaf in _inside(item)]
    return [value]


@pytest.mark.requirement("R14")
def test_days_for_every_ending() -> None:
    """Every ending of a call with an offer says when to ask again."""
    said = set(Offer().again_after_days)
    assert set(Disposition) - {Disposition.NOT_OFFERED} == said, "in flow/policy.py"


@pytest.mark.requirement("R02", "R08")
def test_defaults_that_are_right_for_most() -> None:
    """All moments are offered, what is on file comes first, and an e-mail address is required."""
    policy = Policy()

    assert tuple(Moment) == policy.offer.moments
    assert tuple(Strategy) == policy.address.strategies
    assert policy.address.email_required


@pytest.mark.requirement("R04")
def test_autopay_is_off() -> None:
    """AutoPay is offered only if a policy says so."""
    assert not Policy().autopay.offer


class TestValue:
    """A policy is a value."""

    def test_equal_by_content(self) -> None:
        """Two policies with the same content, including mappings, are equal and hash alike."""
        one, other = (Policy(bills=Bills(names={"W": {"en-US": "water bill"}})) for _ in range(2))

        assert one == other
        assert hash(one) == hash(other)
        assert one != Policy(bills=Bills(names={"W": {"en-US": "bill"}}))
        assert one != Policy()

    def test_frozen(self) -> None:
        """No setting can be set, and no mapping can be changed."""
        policy = Policy(bills=Bills(names={"W": {"en-US": "water bill"}}))

        with pytest.raises(FrozenInstanceError):
            policy.bills.per_page = 9  # type: ignore[misc]
        with pytest.raises(TypeError):
            policy.offer.again_after_days[Disposition.DECLINED] = 0  # type: ignore[index]
        with pytest.raises(TypeError):
            policy.bills.names["W"]["en-US"] = ""  # type: ignore[index]

    def test_its_maker_cannot_change_it(self) -> None:
        """The values that a policy is made from are copied."""
        names = {"W": {"en-US": "water bill"}}
        bills = Bills(names=names)
        names["W"]["en-US"] = "?"

        assert bills.names == {"W": {"en-US": "water bill"}}
        assert repr(bills.names) == "{'W': {'en-US': 'water bill'}}"

    def test_can_be_copied_and_sent(self) -> None:
        """A policy can be sent to another process, and changed into another policy."""
        policy = Policy(bills=Bills(names={"W": {"en-US": "water bill"}}))

        assert policy == pickle.loads(pickle.dumps(policy)) == copy.deepcopy(policy)
        assert policy == evolve(policy)

    def test_sections_are_whole(self) -> None:
        """Every section has its defaults, so that a policy may be empty."""
        assert all(type(getattr(Policy(), a.name))() is not None for a in fields(Policy)[:-1])
