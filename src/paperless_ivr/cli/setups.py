"""The inputs of commands: policies, connections, and demo callers."""

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
    """Return the demo connection to a reference service at an address."""
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
    """Return the policy in a file, or the demo's.

    Raises PolicyProblems if the policy is not in effect yet.
    """
    if file is None:
        return demo_policy()
    policy = load_policy(file)
    since = policy.about.in_force_from
    if since is not None and since > utc_now().astimezone().date():
        says = f"about.in_force_from: it takes effect on {since}; no call can use it before then"
        raise PolicyProblems(f"{file}: this policy cannot be used yet", [says])
    return policy


def arrival(
    call_id: str, biller: str, moment: Moment, caller: str, language: str | None
) -> Arrival:
    """Return the arrival of a demo caller, identified by handle or telephone number.

    Raises LookupError, with a message for the command line, if there is no such caller.
    """
    handle = _handle(caller)
    who = CUSTOMERS[handle] if handle else None
    ani = phone(caller) if who is None or caller.startswith("+") else who.phone
    paid: Payment | None = None
    if moment is Moment.AFTER_PAYMENT:
        if handle is None:
            message = f"no customer has number {caller}; for after_payment, give a handle"
            raise LookupError(message)
        paid = payment(handle)
    identity = Identity.ACCOUNT_KEYED if paid else Identity.NONE
    return Arrival(
        call_id, biller, moment, ani=ani, language=language, payment=paid, identity=identity
    )


def _handle(caller: str) -> str | None:
    """Return a caller's handle, or None for a number that no customer has."""
    if caller in CUSTOMERS:
        return caller
    digits = caller.removeprefix("+")
    if caller.startswith("+") and digits.isascii() and digits.isdigit():
        having = (h for h, c in CUSTOMERS.items() if c.phone and c.phone.reveal() == caller)
        return next(having, None)
    known = ", ".join(CUSTOMERS)
    message = f"unknown caller {caller!r}; give a number such as +12175550101, or one of {known}"
    raise LookupError(message)
