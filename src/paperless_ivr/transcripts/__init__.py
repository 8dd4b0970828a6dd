"""Calls as text that a biller can read, and that is replayed against the flow.

A transcript has comments, what the host hands over, and then the call, line by line:

    # Enrolls with the e-mail on file.
    moment:    before_payment
    caller:    rivera

    hears      Would you like your bills by e-mail? For yes, press 1.
    presses    1
    service    SearchByCustomerPhoneNumber: rivera
    ends       enrolled

`hears` and `ends` are what the flow does, every other line is what happens to it. A replay drives
the real flow with what happens, through a save and a load of the call at every turn, and gives
the text as it really goes. Customers are called by the handles of `backends.demo`, or described
in headers (`people`), as in the transcripts of real calls (`scribe`).
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
