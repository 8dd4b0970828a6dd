"""Drives the core by hand: begins a call and advances it with events, without a driver or words."""

from paperless_ivr import Arrival, Digits, Ended, Flow, Moment, Return, keys
from paperless_ivr.backends.demo import customer
from paperless_ivr.flow.events import (
    Accepted,
    CustomersFound,
    InvoiceChecked,
    Screened,
    TryReserved,
)

flow = Flow()
turn = flow.begin(Arrival("call-1", "springfield-water", Moment.BEFORE_PAYMENT, language="en-US"))
for event in (
    Screened(),  # From the record: the caller was not asked recently.
    Digits(keys("1")),  # The caller says yes to the offer.
    TryReserved(),  # From the record: the caller can try an account number.
    Digits(keys("20481137"), Ended.END_KEY),  # The caller keys the account number.
    CustomersFound((customer("rivera"),)),  # From the service: the account exists.
    InvoiceChecked(exists=True),  # From the service: the bill exists.
    Digits(keys("1")),  # The caller says yes to the bill and the address.
    Accepted(),  # From the service: the enrollment is accepted.
):
    print(turn.call.state.name, [prompt.name for prompt in turn.say], type(turn.then).__name__)
    turn = flow.advance(turn.call, event)
if isinstance(turn.then, Return):
    print("disposition:", turn.then.handback.disposition.value)
