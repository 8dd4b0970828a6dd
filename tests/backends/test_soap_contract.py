"""The SOAP back end keeps the same contract as the in-memory one, on the reference service."""

from collections.abc import Callable, Iterator

import pytest
from attrs import evolve

from paperless_ivr.backends.soap.backend import SoapBackend
from paperless_ivr.cli.setups import demo_connection
from paperless_ivr.cloudivr.serving import Service, running
from paperless_ivr.testing.contracts import check_backend

Make = Callable[..., SoapBackend]


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """A reference service."""
    with running() as service:
        yield service


@pytest.fixture
def make(service: Service) -> Iterator[Make]:
    """Makes back ends, with the service reset for each."""
    as_new = service.snapshot()

    def make(soap: str = "1.1", lacking: str = "") -> SoapBackend:
        as_new()
        leave_out = (lacking,) if lacking else ()
        return SoapBackend(
            evolve(demo_connection(service.endpoint), soap=soap, leave_out=leave_out)
        )

    yield make
    as_new()


@pytest.mark.requirement("R12", "R20", "R21", "R22", "R23")
@pytest.mark.parametrize("soap", ["1.1", "1.2"])
def test_contract(make: Make, soap: str) -> None:
    """The SOAP back end keeps every promise of a back end, in both SOAP versions."""
    check_backend(lambda: make(soap))


@pytest.mark.requirement("R05")
@pytest.mark.parametrize("lacking", ["StoreCustomerPreference", "SearchByCustomerPhoneNumber"])
def test_contract_without(make: Make, lacking: str) -> None:
    """The SOAP back end keeps every remaining promise if an operation is not used."""
    check_backend(lambda: make(lacking=lacking))
