"""How long a runtime waits for a document, compared with the time reserved for writing one."""

import pytest

from paperless_ivr.drive.web import MARGIN, WebDriver
from paperless_ivr.errors import GatewayProblems
from paperless_ivr.gateways.twilio import TwilioGateway
from tests.drive.line import GATEWAY, KEY, Line


def waiting(seconds):
    """Return a gateway whose runtime waits this long."""

    class Waiting(TwilioGateway):
        patience = seconds

    return Waiting(
        GATEWAY.catalog,
        GATEWAY.biller,
        GATEWAY.auth_token,
        GATEWAY.address,
        GATEWAY.host,
        GATEWAY.host_key,
    )


@pytest.mark.requirement("R41", "R45")
@pytest.mark.parametrize("seconds", [-1.0, 0.0, 1.0, MARGIN, float("nan")])
def test_no_patience(seconds):
    """A runtime that waits no longer than the margin is refused when the driver is set up."""
    with pytest.raises(GatewayProblems, match="patience: the runtime waits") as refused:
        WebDriver(Line().workers[0].setup, waiting(seconds), KEY)
    assert f"it must wait more than {MARGIN:g}" in str(refused.value)


@pytest.mark.parametrize("seconds", [MARGIN + 0.1, 15.0, float("inf")])
def test_patience(seconds):
    """A runtime that waits longer is accepted."""
    setup = Line().workers[0].setup
    assert WebDriver(setup, waiting(seconds), KEY).gateway.patience == seconds
