"""What a call believes of the numbers and addresses that come from outside (R47).

A number that nobody can have, or that is withheld, identifies nobody; text that is no e-mail
address is no address on file. Hosts, runtimes and services write all kinds of things there.
"""

from attrs import evolve

from paperless_ivr.flow.events import Customer, CustomersFound
from paperless_ivr.flow.host import Arrival, Payment
from paperless_ivr.flow.policy import Policy
from paperless_ivr.keypad import mailbox, phone_number
from paperless_ivr.secret import Secret


def known_arrival(arrival: Arrival, policy: Policy) -> Arrival:
    """What the host handed over, with the caller's number only where it is somebody's.

    The number that was called is no caller's: a switch that forwards calls shows it for all.
    """
    hidden = arrival.ani_withheld and not policy.proof.withheld_caller_id
    ani, called, payment = _phone(arrival.ani), phone_number(arrival.dnis), arrival.payment
    forwarded = ani is not None and ani.reveal() == called
    return evolve(
        arrival,
        ani=None if hidden or forwarded else ani,
        payment=_known_payment(payment) if payment else None,
    )


def _known_payment(payment: Payment) -> Payment:
    """A payment; what came with one that was not approved says nothing of anybody."""
    if not payment.approved:
        return evolve(payment, email=None, account=None, invoice=None)
    return evolve(payment, email=_email(payment.email))


def known_customers(found: CustomersFound) -> CustomersFound:
    """Whom a search found, with the numbers and addresses that can be used."""
    return evolve(found, customers=tuple(map(_known, found.customers)))


def _known(customer: Customer) -> Customer:
    return evolve(customer, phone=_phone(customer.phone), email=_email(customer.email))


def _phone(written: Secret | None) -> Secret | None:
    found = phone_number(written.reveal()) if written else None
    return Secret(found, written.kind) if found and written else None


def _email(written: Secret | None) -> Secret | None:
    found = mailbox(written.reveal()) if written else None
    return Secret(found, written.kind) if found and written else None
