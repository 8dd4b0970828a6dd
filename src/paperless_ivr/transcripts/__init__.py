"""Calls as text that a biller can read and that can be replayed against the flow.

A transcript consists of comments, then headers, such as those with the data that the host hands
over, then the call, line by line:

    # Enrolls with the e-mail on file.
    moment:    before_payment
    caller:    rivera

    hears      Would you like your bills by e-mail? For yes, press 1.
    presses    1
    service    SearchByCustomerPhoneNumber: rivera
    ends       enrolled

The `hears` and `ends` lines show what the flow does. All other lines are events that it receives.
A replay feeds those events to the real flow, saves and loads the call at every turn, and returns
the text of the call as it actually goes. Customers are named by their handles in `backends.demo`,
or described in headers (`people`), as in transcripts of real calls (`scribe`).
"""

from paperless_ivr.transcripts.form import Step, Transcript
from paperless_ivr.transcripts.parsing import parse, read
from paperless_ivr.transcripts.replaying import differences, replay, rows_taken, update
from paperless_ivr.transcripts.scribe import Scribe, redacted

__all__ = [
    "Scribe",
    "Step",
    "Transcript",
    "differences",
    "parse",
    "read",
    "redacted",
    "replay",
    "rows_taken",
    "update",
]
