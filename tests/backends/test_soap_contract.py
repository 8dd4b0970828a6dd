"""The back end over SOAP keeps the same contract as the one in memory, on the reference service."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from attrs import evolve

from paperless_ivr.backends.soap.backend import SoapBackend
from paperless_ivr.cli.setups import demo_connection
from paperless_ivr.cloudivr.serving import running
from paperless_ivr.testing.contracts import check_backend

Make = Callable[..., SoapBackend]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes back ends, each with a fresh service of its own; all stop after the test."""
    with ExitStack() as services:

        def make(soap: str = "1.1", lacking: str = "") -> SoapBackend:
            service = services.enter_context(running())
            connection = demo_connection(service.endpoint)
            leave_out = (lacking,) if lacking else ()
            return SoapBackend(evolve(connection, soap=soap, leave_out=leave_out))

        yield make


@pytest.mark.requirement("R12", "R20", "R21", "R22", "R23")
@pytest.mark.parametrize("soap", ["1.1", "1.2"])
def test_contract(make: Make, soap: str) -> None:
    """Every promise of a back end is kept, in both SOAP versions."""
    check_backend(lambda: make(soap))


@pytest.mark.requirement("R05")
@pytest.mark.parametrize("lacking", ["StoreCustomerPreference", "SearchByCustomerPhoneNumber"])
def test_contract_without(make: Make, lacking: str) -> None:
    """Every promise that is left is kept where an operation is not used."""
    check_backend(lambda: make(lacking=lacking))
