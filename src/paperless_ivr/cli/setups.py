"""What commands are run with: policies, and the demo's callers."""

from pathlib import Path

from paperless_ivr.backends.connection import REFERENCE_CODES, Connection
from paperless_ivr.backends.demo import CUSTOMERS, demo_policy, payment
from paperless_ivr.clock import utc_now
from paperless_ivr.cloudivr import seed
from paperless_ivr.errors import PolicyProblems
from paperless_ivr.flow.host import Arrival, Identity, Moment, Payment
from paperless_ivr.flow.policy import Policy
from paperless_ivr.prompts.policies import load_policy
from paperless_ivr.secret import credential, phone


def demo_connection(address: str) -> Connection:
    """How the demo's line talks to a reference service at an address."""
    planted = seed.load()
    partner, biller = planted.partners[0], planted.billers[0]
    return Connection(
        address,
        biller.guid,
        partner.guid,
        partner_key=credential(partner.key),
        codes=REFERENCE_CODES,
    )


def policy_in_force(file: Path | None) -> Policy:
    """The policy of a file, or the demo's; PolicyProblems where it is not in force yet."""
    if file is None:
        return demo_policy()
    policy = load_policy(file)
    since = policy.about.in_force_from
    if since is not None and since > utc_now().astimezone().date():
        says = f"about.in_force_from: it is in force from {since}; no call runs under it before"
        raise PolicyProblems(f"{file}: this policy cannot be used yet", [says])
    return policy


def arrival(
    call_id: str, biller: str, moment: Moment, caller: str, language: str | None
) -> Arrival:
    """What the host hands over with a demo caller, called by handle or by telephone number.

    LookupError, in words for the command line, where there is no such caller.
    """
    handle = _handle(caller)
    who = CUSTOMERS[handle] if handle else None
    ani = phone(caller) if who is None or caller.startswith("+") else who.phone
    paid: Payment | None = None
    if moment is Moment.AFTER_PAYMENT:
        if handle is None:
            message = f"nobody at {caller} has paid; after a payment name a customer's handle"
            raise LookupError(message)
        paid = payment(handle)
    identity = Identity.ACCOUNT_KEYED if paid else Identity.NONE
    return Arrival(
        call_id, biller, moment, ani=ani, language=language, payment=paid, identity=identity
    )


def _handle(caller: str) -> str | None:
    """The handle of a caller; None for a number that nobody has."""
    if caller in CUSTOMERS:
        return caller
    digits = caller.removeprefix("+")
    if caller.startswith("+") and digits.isascii() and digits.isdigit():
        having = (h for h, c in CUSTOMERS.items() if c.phone and c.phone.reveal() == caller)
        return next(having, None)
    message = f"no caller {caller!r}; a number such as +12175550101, or {', '.join(CUSTOMERS)}"
    raise LookupError(message)
