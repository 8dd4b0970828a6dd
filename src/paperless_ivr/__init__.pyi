"""The names that `import paperless_ivr` provides."""

# the flow and its setup
from .flow.flow import Flow as Flow
from .flow.policy import Policy as Policy
from .flow.view import Terms as Terms
from .prompts import Catalog as Catalog
from .prompts.policies import load_policy as load_policy

# hand-overs and hand-backs
from .flow.host import (
    Arrival as Arrival,
    Disposition as Disposition,
    Handback as Handback,
    Identity as Identity,
    Moment as Moment,
    Payment as Payment,
)

# turns, which a gateway performs
from .flow.turns import (
    Gather as Gather,
    Prompt as Prompt,
    Return as Return,
    Transfer as Transfer,
    Turn as Turn,
)

# events, which a gateway returns
from .flow.events import (
    Digits as Digits,
    Ended as Ended,
    HungUp as HungUp,
    NoInput as NoInput,
    TransferEnded as TransferEnded,
    TransferResult as TransferResult,
)
from .secret import keys as keys

# drivers, which run calls
from .drive.aio import AsyncDriver as AsyncDriver
from .drive.blocking import Driver as Driver
from .drive.runner import Setup as Setup
from .drive.web import WebDriver as WebDriver

# back ends, gateways, and stores
from .backends.port import Backend as Backend
from .gateways.capabilities import Capabilities as Capabilities, check as check
from .gateways.port import (
    AsyncSessionGateway as AsyncSessionGateway,
    DocumentGateway as DocumentGateway,
    SessionGateway as SessionGateway,
    WebRequest as WebRequest,
)
from .records.port import SessionStore as SessionStore

__version__: str
