"""Filters for the telephone numbers and e-mail addresses that come from outside (R47).

An invalid or withheld number identifies no one, and text that is not a valid e-mail address does
not count as an address on file. Hosts, runtimes, and services put all kinds of things in these
fields.
"""

from attrs import evolve

from paperless_ivr.flow.events import Customer, CustomersFound
from paperless_ivr.flow.host import Arrival, Payment
from paperless_ivr.flow.policy import Policy
from paperless_ivr.keypad import mailbox, phone_number
from paperless_ivr.secret import Secret


def known_arrival(arrival: Arrival, policy: Policy) -> Arrival:
    """Return the host's arrival, without the caller's number if it cannot identify the caller.

    The dialed number never identifies the caller, because a switch that forwards calls may send it
    as the calling number for everyone.
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
    """Return a payment. If it was not approved, leave out anything that could identify someone."""
    if not payment.approved:
        return evolve(payment, email=None, account=None, invoice=None)
    return evolve(payment, email=_email(payment.email))


def known_customers(found: CustomersFound) -> CustomersFound:
    """Return the customers found, keeping only usable numbers and addresses."""
    return evolve(found, customers=tuple(map(_known, found.customers)))


def _known(customer: Customer) -> Customer:
    return evolve(customer, phone=_phone(customer.phone), email=_email(customer.email))


def _phone(written: Secret | None) -> Secret | None:
    found = phone_number(written.reveal()) if written else None
    return Secret(found, written.kind) if found and written else None


def _email(written: Secret | None) -> Secret | None:
    found = mailbox(written.reveal()) if written else None
    return Secret(found, written.kind) if found and written else None
